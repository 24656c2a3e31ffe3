// SPDX-License-Identifier: GPL-2.0-or-later

// --config FILE, alone and with the flags that go with it.

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { stringify } from "yaml";
import { parseJson } from "../../src/cli/config.ts";
import { parseJsonOrYaml } from "../../src/cli/config-yaml.ts";
import { INIT_FLAGS } from "../../src/cli/init-flags.ts";
import { readInitOptions } from "../../src/cli/init-options.ts";
import { parseFlags } from "../../src/cli/pflag.ts";
import { proxyInit } from "../../src/cli/proxy-init.ts";
import { sluice } from "../../src/cli/sluice.ts";
import { Log } from "../../src/log/log.ts";
import { parsePolicy } from "../../src/policy/parse.ts";
import type { RedirectPolicy } from "../../src/policy/policy.ts";
import { policies } from "../policy/arbitrary.ts";
import { FakeHost, kernel, PORTS } from "./fake-host.ts";

/** The policy that flags and a file come to. */
async function read(
  text: string,
  args: readonly string[] = [],
  parseConfig = parseJson,
): Promise<RedirectPolicy> {
  const host = new FakeHost([], undefined, {}, { "policy.json": text });
  const flags = parseFlags(INIT_FLAGS, ["--config", "policy.json", ...args]);
  return (await readInitOptions(flags, { host, log: new Log(host), parseConfig })).policy;
}

const INBOUND = { inbound: { proxyPort: 4143 } };

describe("a file alone", () => {
  test("is the policy, as parsePolicy has it, in JSON and in YAML", async () => {
    await fc.assert(
      fc.asyncProperty(policies, async (policy) => {
        const wanted = parsePolicy(policy);
        expect(await read(JSON.stringify(policy))).toStrictEqual(wanted);
        expect(await read(JSON.stringify(policy), [], parseJsonOrYaml)).toStrictEqual(wanted);
        expect(await read(stringify(policy), [], parseJsonOrYaml)).toStrictEqual(wanted);
      }),
    );
  });

  test("may have the same key in several objects, and punctuation in texts", async () => {
    const outbound = { proxyPort: 1, skipPortsOfUids: [1, 2].map((uid) => ({ uid, ports: ["80"] })) };
    await read(JSON.stringify({ $schema: '{"a":1,"a":2}', inbound: { proxyPort: 1 }, outbound }));
  });

  test("may begin with a byte order mark", async () => {
    for (const parse of [parseJson, parseJsonOrYaml]) {
      expect(await read(`\ufeff${JSON.stringify(INBOUND)}`, [], parse)).toStrictEqual(INBOUND);
    }
  });

  test("may name its schema", async () => {
    expect(await read(JSON.stringify({ $schema: "policy.schema.json", ...INBOUND }))).toStrictEqual(INBOUND);
  });

  test("YAML as people write it", async () => {
    const text = `
      # the proxy's own
      proxy: { uid: 2102 }
      inbound:
        proxyPort: 4143
        skipPorts: [4190, 4567-4568, "0080"]
        skipSubnets: &own
          - 10.0.0.0/8
          - fd00::/8
      outbound: { proxyPort: 4140, skipSubnets: *own }
    `;
    expect(await read(text, [], parseJsonOrYaml)).toStrictEqual({
      proxy: { uid: 2102 },
      inbound: {
        proxyPort: 4143,
        skipPorts: [4190, "4567-4568", 80],
        skipSubnets: ["10.0.0.0/8", "fd00::/8"],
      },
      outbound: { proxyPort: 4140, skipSubnets: ["10.0.0.0/8", "fd00::/8"] },
    });
  });
});

describe("with flags", () => {
  test("these add to its lists, and go before its other fields", async () => {
    const file: RedirectPolicy = {
      proxy: { uid: 1, gid: 2 },
      inbound: {
        proxyPort: 3,
        redirectPorts: [80],
        skipPorts: [4],
        skipSubnets: ["10.0.0.0/8"],
        skipInterfaces: ["a"],
      },
      outbound: {
        proxyPort: 5,
        redirectPorts: [443],
        redirectSubnets: ["::/0"],
        skipPorts: [6],
        skipSubnets: ["fd00::/8"],
        skipUids: [7],
        skipGids: [8],
        skipPortsOfUids: [{ uid: 9, ports: [10] }],
        skipInterfaces: ["b"],
      },
    };
    const args = [
      ...["-p", "4143", "-o", "4140", "-u", "2102", "-g", "0", "-r", "81"],
      ...["--inbound-ports-to-ignore", "11", "--outbound-ports-to-ignore", "12-13"],
      ...["--subnets-to-ignore", "1.0.0.0/8", "--inbound-subnets-to-ignore", "2.0.0.0/8"],
      ...["--outbound-subnets-to-ignore", "3.0.0.0/8,4.0.0.0/8"],
      ...["--outbound-ports-to-redirect", "14,15-16", "--outbound-subnets-to-redirect", "5.0.0.0/8"],
      ...["--outbound-uids-to-ignore", "0,1000", "--outbound-gids-to-ignore", "4294967294"],
      ...["--outbound-uid-ports-to-ignore", "1000:17,0:18", "--outbound-uid-ports-to-ignore=1000:19-20"],
      ...["--inbound-interfaces-to-ignore", "eth+,c", "--outbound-interfaces-to-ignore", "d"],
    ];
    expect(await read(JSON.stringify(file), args)).toStrictEqual({
      proxy: { uid: 2102, gid: 0 },
      inbound: {
        proxyPort: 4143,
        redirectPorts: [80, 81],
        skipPorts: [4, 11],
        skipSubnets: ["10.0.0.0/8", "1.0.0.0/8", "2.0.0.0/8"],
        skipInterfaces: ["a", "eth+", "c"],
      },
      outbound: {
        proxyPort: 4140,
        redirectPorts: [443, 14, "15-16"],
        redirectSubnets: ["::/0", "5.0.0.0/8"],
        skipPorts: [6, "12-13"],
        skipSubnets: ["fd00::/8", "3.0.0.0/8", "4.0.0.0/8"],
        skipUids: [7, 0, 1000],
        skipGids: [8, 4294967294],
        skipPortsOfUids: [
          { uid: 9, ports: [10] },
          { uid: 1000, ports: [17, "19-20"] },
          { uid: 0, ports: [18] },
        ],
        skipInterfaces: ["b", "d"],
      },
    });
    // Flags alone say the same as a file of their own.
    const host = new FakeHost([]);
    const surroundings = { host, log: new Log(host), parseConfig: parseJson };
    const { policy } = await readInitOptions(parseFlags(INIT_FLAGS, args), surroundings);
    expect(parsePolicy(policy)).toStrictEqual(await read("{}", args));
  });

  test("which may be all there is", async () => {
    const wanted = { inbound: { proxyPort: 4143 }, outbound: { proxyPort: 4140 } };
    expect(await read("{}", PORTS)).toStrictEqual(wanted);
    expect(await read('{"inbound": {"skipPorts": [1]}}', PORTS)).toStrictEqual({
      inbound: { proxyPort: 4143, skipPorts: [1] },
      outbound: { proxyPort: 4140 },
    });
    expect(await read("{}", ["-p", "4143"])).toStrictEqual(INBOUND);
  });

  test("an empty value is no file", async () => {
    const host = new FakeHost([...PORTS, "-u", "2102", "--config", "", "--iptables-mode=nft"], kernel());
    expect(await proxyInit(host)).toBe(0);
  });
});

const LINES: [text: string, args: string[], line: string][] = [
  ["[]", [], "the policy must be an object, not a list"],
  ["null", [], "the policy must be an object, not null"],
  ["{}", [], "the policy has neither inbound nor outbound: there is nothing to redirect"],
  ['{"inbound":{}}', [], "inbound.proxyPort: is missing: a whole number from 0 to 65535"],
  [
    '{"inbound":{"proxyPort":"80"}}',
    ["-p", "80"],
    'inbound.proxyPort: must be a whole number from 0 to 65535, not "80"',
  ],
  [
    '{"inbound":{"proxyPort":1,"skipPorts":[1,"2-"]}}',
    [],
    'inbound.skipPorts[1]: "2-" is not a valid port range: "" is not a port',
  ],
  [
    '{"inbound":{"proxyPort":1,"skipPorts":"80"}}',
    ["--inbound-ports-to-ignore=1"],
    'inbound.skipPorts: must be a list, not "80"',
  ],
  [
    '{"outbound":{"proxyPort":1,"skipUids":[4294967295]}}',
    [],
    "outbound.skipUids[0]: must be a whole number from 0 to 4294967294, not 4294967295",
  ],
  [
    '{"outbound":{"proxyPort":1,"skipPortsOfUids":[{"uid":1}]}}',
    [],
    "outbound.skipPortsOfUids[0].ports: is missing: a list",
  ],
  [
    '{"inbound":{"proxyPort":1,"__proto__":{}}}',
    [],
    "inbound.__proto__: unknown key; inbound has proxyPort, redirectPorts, skipPorts, skipSubnets, skipInterfaces",
  ],
  [
    '{"__proto__":{"inbound":{"proxyPort":1}}}',
    [],
    "__proto__: unknown key; a policy has proxy, inbound, outbound",
  ],
];

describe("what is wrong names the file, the field and the value", () => {
  test.each(LINES)("%s %j", async (text, args, line) => {
    for (const command of [
      { run: proxyInit, name: "proxy-init", first: [] },
      { run: sluice, name: "sluice init", first: ["init"] },
      { run: sluice, name: "sluice plan", first: ["plan"] },
    ]) {
      const host = new FakeHost(
        [...command.first, ...args, "--config", "a\nb"],
        undefined,
        {},
        { "a\nb": text },
      );
      expect(await command.run(host)).toBe(1);
      expect(host.stderr).toBe(`${command.name}: --config: "a\\nb": ${line}\n`);
      expect(host.stdout).toBe("");
    }
  });

  test.each([
    ["a: [1\nb: 2", /^is no YAML: .* at line 2, column 1$/],
    [
      "inbound: {proxyPort: 1}\ninbound: {proxyPort: 2}",
      /^the key "inbound" stands twice in one object at line 2, column 1$/,
    ],
    [
      "inbound:\n  proxyPort: 1\n  ? proxyPort\n  : 2",
      /^the key "proxyPort" stands twice in one object at line 3, column 5$/,
    ],
    ["%YAML 1.1\n---\ninbound: {proxyPort: 1, skipPorts: [010]}", /^is no YAML 1.2$/],
    ["inbound: {proxyPort: 1}\n<<: {outbound: {proxyPort: 1}}", /^"<<": unknown key/],
    ['{"inbound": {"proxyPort": 1},}', /^is no JSON: /],
    ["inbound: !mine {proxyPort: 1}", /^is no YAML: Unresolved tag: !mine at line 1, column 10$/],
    ["--- {}\n--- {}\n", /^is no YAML: .*multiple documents/],
    ["inbound: *nobody", /nobody/],
    ["proxy: !!omap [ uid: 2102 ]\noutbound: {proxyPort: 1}", /^is no YAML: Unresolved tag: .*omap/],
    ["proxy: !!set {uid}\noutbound: {proxyPort: 1}", /^is no YAML: Unresolved tag: .*set/],
    ["? {a: 1}\n: 2", /unknown key/],
    ["", /^the policy must be an object, not null$/],
    [
      "a: &a [1,1]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b]\nd: [*c,*c,*c,*c,*c,*c,*c,*c]",
      /alias/i,
    ],
  ])("YAML: %j", async (text, problem) => {
    const host = new FakeHost(["plan", "--config=f"], undefined, {}, { f: text });
    expect(await sluice(host)).toBe(1);
    expect(host.stderr).toMatch(/^sluice plan: --config: "f": [^\n]+\n$/);
    expect(host.stderr.slice('sluice plan: --config: "f": '.length, -1)).toMatch(problem);
  });

  test.each([
    ['{"inbound":{"proxyPort":1},"inbound":{"proxyPort":2}}', "inbound"],
    ['{"inbound":{"proxyPort":1,"skipPorts":[],"skipPorts" : [1]}}', "skipPorts"],
    [
      '{"inbound":{"proxyPort":1},"outbound":{"proxyPort":1,"skipPortsOfUids":[{"uid":1,"\\u0075id":2}]}}',
      "uid",
    ],
  ])("a key that stands twice: %s", async (text, key) => {
    for (const [run, name, first] of [
      [proxyInit, "proxy-init", []],
      [sluice, "sluice plan", ["plan"]],
    ] as const) {
      const host = new FakeHost([...first, "--config=f"], undefined, {}, { f: text });
      expect(await run(host)).toBe(1);
      expect(host.stderr).toBe(`${name}: --config: "f": the key "${key}" stands twice in one object\n`);
    }
  });

  test("proxy-init reads no YAML, and says so", async () => {
    const host = new FakeHost([...PORTS, "--config=f"], undefined, {}, { f: "inbound: {}" });
    expect(await proxyInit(host)).toBe(1);
    expect(host.stderr).toMatch(/^proxy-init: --config: "f": is no JSON: [^\n]+\n$/);
  });

  test("a file that cannot be read", async () => {
    const host = new FakeHost([...PORTS, "--config=/no/such"]);
    expect(await proxyInit(host)).toBe(1);
    expect(host.stderr).toBe(
      'proxy-init: --config: "/no/such": cannot read /no/such: No such file or directory\n',
    );
  });

  test.each([
    [["--subnets-to-ignore=10.0.0.0/8"], "inbound", '{"outbound":{"proxyPort":1}}', "incoming"],
    [["--outbound-uids-to-ignore=1"], "outbound", '{"inbound":{"proxyPort":1}}', "outgoing"],
  ])("%j, to a file that says nothing %s", async (args, direction, text, port) => {
    const host = new FakeHost([...args, "--config=f"], undefined, {}, { f: text });
    expect(await proxyInit(host)).toBe(1);
    expect(host.stderr).toBe(
      `proxy-init: --${port}-proxy-port: is missing; --config "f" says nothing of ${direction} connections, to which other flags would add something\n`,
    );
  });
});

describe("the log", () => {
  const log = async (policy: RedirectPolicy) => {
    const host = new FakeHost(["--config=f", "--simulate"], undefined, {}, { f: JSON.stringify(policy) });
    expect(await proxyInit(host)).toBe(0);
    return host.stdout;
  };

  test("names the directions that there are", async () => {
    expect(await log(INBOUND)).toContain("would redirect inbound TCP to port 4143; mode");
    expect(await log({ outbound: { proxyPort: 1 } })).toContain(
      "would redirect outbound TCP to port 1; mode",
    );
  });

  test("warns of an absent loop guard only where there may be a loop", async () => {
    const outbound = { proxyPort: 1 };
    const warns = async (policy: RedirectPolicy) => (await log(policy)).includes("no loop guard");
    expect(await warns({ outbound })).toBe(true);
    expect(await warns({ outbound, proxy: { uid: 0, gid: 0 } })).toBe(true);
    expect(await warns({ outbound, proxy: { gid: 1 } })).toBe(false);
    expect(await warns({ outbound: { ...outbound, skipUids: [1] } })).toBe(false);
    expect(await warns({ outbound: { ...outbound, skipGids: [1] } })).toBe(false);
    expect(await warns(INBOUND)).toBe(false);
  });
});
