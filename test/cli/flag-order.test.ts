// SPDX-License-Identifier: GPL-2.0-or-later

import fc from "fast-check";
import { expect, test } from "vitest";
import { parseJson } from "../../src/cli/config.ts";
import { INIT_FLAGS } from "../../src/cli/init-flags.ts";
import { type InitOptions, readInitOptions } from "../../src/cli/init-options.ts";
import { parseFlags } from "../../src/cli/pflag.ts";
import { Log } from "../../src/log/log.ts";
import { FakeHost } from "./fake-host.ts";

/** Whatever the user wants, as plain values. */
interface Wish {
  incoming: number;
  outgoing: number;
  uid: number;
  gid: number;
  redirect: number[];
  ignored: string[];
  wait: boolean;
  ipv6: boolean | undefined;
}

const port = fc.integer({ min: 0, max: 65535 });
const wish: fc.Arbitrary<Wish> = fc.record({
  incoming: port,
  outgoing: port,
  uid: fc.integer({ min: -2, max: 4294967294 }),
  gid: fc.integer({ min: -2, max: 4294967294 }),
  redirect: fc.array(port, { maxLength: 4 }),
  ignored: fc.array(fc.oneof(port.map(String), fc.constantFrom("80-90", "0-65535", "22-22")), {
    maxLength: 4,
  }),
  wait: fc.boolean(),
  ipv6: fc.option(fc.boolean(), { nil: undefined }),
});

/** An integer in one of the spellings of Go's base 0. */
const integerText = (value: number): fc.Arbitrary<string> => {
  const sign = value < 0 ? "-" : "";
  const digits = Math.abs(value);
  const bases = [
    digits.toString(),
    `0x${digits.toString(16)}`,
    `0o${digits.toString(8)}`,
    `0${digits.toString(8)}`,
  ];
  return fc.constantFrom(...bases, `0b_${digits.toString(2)}`).map((text) => sign + text);
};

/** A flag and its value in one of pflag's spellings. */
function spelled(name: string, shorthand: string | undefined, text: string): fc.Arbitrary<string[]> {
  const long = [[`--${name}=${text}`], [`--${name}`, text]];
  // -p= is "=", as in pflag: an empty value has no such spelling.
  const short =
    shorthand === undefined || text === "" ? [] : [[`-${shorthand}${text}`], [`-${shorthand}=${text}`]];
  return fc.constantFrom(...long, ...short);
}

/** A list, in one piece or item by item. */
function listed(
  name: string,
  shorthand: string | undefined,
  items: readonly string[],
): fc.Arbitrary<string[][]> {
  if (items.length === 0) return fc.constant([]);
  const whole = spelled(name, shorthand, items.join(",")).map((words) => [words]);
  const single = fc.tuple(...items.map((item) => spelled(name, shorthand, item)));
  // One argument after the other, in order: shuffling must not tear them apart.
  return fc.oneof(
    whole,
    single.map((groups) => [groups.flat()]),
  );
}

const BOOLEANS = {
  true: ["1", "t", "T", "true", "TRUE", "True"],
  false: ["0", "f", "F", "false", "FALSE", "False"],
};

function commandLine(wanted: Wish): fc.Arbitrary<string[]> {
  const integer = (name: string, shorthand: string, value: number) =>
    integerText(value)
      .chain((text) => spelled(name, shorthand, text))
      .map((words) => [words]);
  const boolean = (name: string, value: boolean) =>
    fc.constantFrom(...BOOLEANS[value ? "true" : "false"]).map((text) => [[`--${name}=${text}`]]);
  const groups = fc.tuple(
    integer("incoming-proxy-port", "p", wanted.incoming),
    integer("outgoing-proxy-port", "o", wanted.outgoing),
    integer("proxy-uid", "u", wanted.uid),
    integer("proxy-gid", "g", wanted.gid),
    listed("ports-to-redirect", "r", wanted.redirect.map(String)),
    listed("inbound-ports-to-ignore", undefined, wanted.ignored),
    listed("outbound-ports-to-ignore", undefined, wanted.ignored),
    wanted.wait
      ? fc.constantFrom([["-w"]], [["--use-wait-flag"]], [["-w=t"]])
      : boolean("use-wait-flag", false),
    wanted.ipv6 === undefined ? fc.constant([]) : boolean("ipv6", wanted.ipv6),
    fc.constantFrom([], [["positional"]], [["-"]], [[""]]),
    fc.constantFrom([["--iptables-mode", "nft"]], [["--firewall-bin-path=iptables-nft"]]),
  );
  return groups
    .map((found) => found.flat())
    .chain((words) => fc.shuffledSubarray(words, { minLength: words.length, maxLength: words.length }))
    .chain((words) => fc.constantFrom(words.flat(), [...words.flat(), "--", "--bogus"]));
}

async function read(args: readonly string[]): Promise<Omit<InitOptions, "choice">> {
  const host = new FakeHost([]);
  const surroundings = { host, log: new Log(host), parseConfig: parseJson };
  const { choice: _, ...options } = await readInitOptions(parseFlags(INIT_FLAGS, args), surroundings);
  return options;
}

test("the order and the spelling of flags do not matter", async () => {
  const both = wish.chain((wanted) => fc.record({ wanted: fc.constant(wanted), args: commandLine(wanted) }));
  const list = (key: string, items: readonly unknown[]) => (items.length === 0 ? {} : { [key]: items });
  await fc.assert(
    fc.asyncProperty(both, async ({ wanted, args }) => {
      const { incoming, outgoing, uid, gid, redirect, ignored, wait, ipv6 } = wanted;
      const skipped = list("skipPorts", ignored);
      expect(await read(args)).toEqual({
        policy: {
          proxy: { uid: Math.max(uid, 0), gid: Math.max(gid, 0) },
          inbound: { proxyPort: incoming, ...list("redirectPorts", redirect), ...skipped },
          outbound: { proxyPort: outgoing, ...skipped },
        },
        target: {
          mode: "nft",
          timeoutMs: wait ? 2147483647 : 5000,
          ...(ipv6 === undefined ? {} : { families: ipv6 ? ["ipv4", "ipv6"] : ["ipv4"] }),
        },
        simulate: false,
        closeWait: undefined,
      });
    }),
    { numRuns: 500 },
  );
});

test("no command line makes the reading of flags fail in another way than a FlagError", async () => {
  const word = fc.oneof(
    fc.constantFrom(
      ...INIT_FLAGS.flatMap(({ name, shorthand = "h" }) => [`--${name}`, `--${name}=`, `-${shorthand}`]),
    ),
    fc.constantFrom("-", "--", "=", "80", "-1", "0x", "10.0.0.0/8", '"', ",", "nft", "iptables"),
    fc.string({ unit: "binary" }),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(word), async (args) => {
      try {
        await read(args);
      } catch (error) {
        expect(error).toMatchObject({ name: "FlagError" });
      }
    }),
    { numRuns: 2000 },
  );
});
