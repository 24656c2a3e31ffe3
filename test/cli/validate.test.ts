// SPDX-License-Identifier: GPL-2.0-or-later

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { sluice } from "../../src/cli/sluice.ts";
import { networkValidator } from "../../src/cli/validate.ts";
import { VALIDATE_FLAGS } from "../../src/cli/validate-flags.ts";
import { type Core, FakeHost, failing, type Request } from "./fake-host.ts";

type Answer = (request: Request) => Record<string, unknown>;

const failure = (name: string, reason: string, syscall = "connect") => ({
  failure: { syscall, errno: 1, name, reason },
});
const REFUSED = { outcome: "rejected", ...failure("ECONNREFUSED", "Connection refused") };
const NO_ROUTE = { outcome: "not-sent", ...failure("ENETUNREACH", "Network is unreachable") };
const NO_DEVICE = { outcome: "no-device", ...failure("EPERM", "Operation not permitted", "ioctl") };
const HELD = { outcome: "not-listening", ...failure("EADDRINUSE", "Address already in use", "bind") };

/** What comes back where everything is redirected. */
const redirected: Answer = ({ token, connect }) => ({
  outcome: "returned",
  received: token,
  originalDestination: connect,
});

const isIPv6 = ({ connect }: Request) => connect?.address.includes(":") === true;
const isInbound = ({ from }: Request) => from !== undefined;

function core(answer: Answer): Core {
  return (request) => ({ ok: { uid: 65534, received: "", ...answer(request) } });
}

async function run(answer: Answer, args: readonly string[] = [], env: Record<string, string> = {}) {
  const host = new FakeHost(args, core(answer), env);
  const code = await networkValidator(host);
  const lines = [...host.stdout.matchAll(/level=(\w+) msg=(.*)\n/g)].map(([, level, text = ""]) => {
    return `${level}: ${text.startsWith('"') ? JSON.parse(text) : text}`;
  });
  return { host, code, lines };
}

test("everything is redirected: outbound and inbound, of both families", async () => {
  const { host, code, lines } = await run(redirected);
  expect(code).toBe(0);
  expect(host.stderr).toBe("");
  expect(lines).toEqual([
    "info: outbound IPv4 and IPv6: redirected to port 4140, the original destination is known",
    "info: inbound IPv4 and IPv6: redirected to port 4143, the original destination is known",
    "info: validated",
  ]);
  const base = { op: "exchange", token: expect.stringMatching(/^[A-Za-z0-9]{63}\n$/) };
  const timeoutMs = expect.any(Number);
  const from = (address: string) => ({ from: { address, port: expect.any(Number) } });
  expect(host.requests).toEqual([
    {
      ...{ ...base, timeoutMs, ipv6Only: false, hopLimit: 1 },
      listen: { address: "0.0.0.0", port: 4140 },
      connect: { address: "192.0.2.2", port: 1404 },
    },
    {
      ...{ ...base, timeoutMs, ipv6Only: true, hopLimit: 1 },
      listen: { address: "::", port: 4140 },
      connect: { address: "2001:db8::2", port: 1404 },
    },
    {
      ...{ ...base, timeoutMs, ipv6Only: false, ...from("203.0.113.2") },
      listen: { address: "0.0.0.0", port: 4143 },
      connect: { address: "203.0.113.1", port: 1404 },
    },
    {
      ...{ ...base, timeoutMs, ipv6Only: true, ...from("2001:db8:0:4143::2") },
      listen: { address: "::", port: 4143 },
      connect: { address: "2001:db8:0:4143::1", port: 1404 },
    },
  ]);
  const ports = host.requests.flatMap(({ from }) => (from === undefined ? [] : [from.port]));
  for (const port of ports) expect(port).toBeGreaterThanOrEqual(32768);
  for (const port of ports) expect(port).toBeLessThanOrEqual(60999);
  expect(new Set(host.requests.map(({ token }) => token)).size).toBe(4);
});

test("each check gets its share of what is left of the time", async () => {
  const { host } = await run(redirected, ["--timeout", "800ms"]);
  const shares = host.requests.map(({ timeoutMs = 0 }) => timeoutMs);
  for (const [i, divisor] of [4, 3, 2, 1].entries()) {
    expect(shares[i]).toBeLessThanOrEqual(800 / divisor);
    expect(shares[i]).toBeGreaterThan(800 / divisor - 150);
  }
  expect(
    (await run(redirected, ["--timeout", "100d", "--ipv6=false", "--inbound=false"])).host.requests[0],
  ).toMatchObject({
    timeoutMs: expect.toSatisfy((share: number) => share > 2147480000 && share <= 2147483647),
  });
});

describe("what is missing is one line, and exit code 95", () => {
  const answerFor = (wanted: (request: Request) => boolean, answer: Record<string, unknown>): Answer => {
    return (request) => (wanted(request) ? answer : redirected(request));
  };
  const outbound4 = (request: Request) => !isIPv6(request) && !isInbound(request);

  test.each<[string, Answer, string]>([
    [
      "a connection that leaves the pod",
      answerFor(outbound4, {
        outcome: "rejected",
        ...failure("EHOSTUNREACH", "No route to host"),
        rejecter: "10.1.0.1",
      }),
      "outbound IPv4: no redirect: the connection to 192.0.2.2:1404 was on its way out of the pod when 10.1.0.1 rejected it (EHOSTUNREACH)",
    ],
    [
      "the same on a kernel that does not say who",
      answerFor(outbound4, { outcome: "rejected", ...failure("EHOSTUNREACH", "No route to host") }),
      "outbound IPv4: no redirect: the connection to 192.0.2.2:1404 came back: No route to host (EHOSTUNREACH)",
    ],
    [
      "a redirect to another port",
      answerFor(outbound4, REFUSED),
      "outbound IPv4: no redirect to port 4140: the connection to 192.0.2.2:1404 was refused, as is one that is redirected to a port where nobody listens",
    ],
    [
      "a firewall that refuses",
      answerFor(outbound4, { ...REFUSED, rejecter: "10.1.0.1" }),
      "outbound IPv4: no redirect: the connection to 192.0.2.2:1404 was on its way out of the pod when 10.1.0.1 rejected it (ECONNREFUSED)",
    ],
    [
      "an IPv6 gap",
      answerFor((request) => isIPv6(request) && !isInbound(request), { outcome: "timed-out" }),
      expect.stringMatching(
        /^outbound IPv6: no redirect: nobody answered the connection to \[2001:db8::2\]:1404 within \d+m?s: it left the pod, or was dropped$/,
      ),
    ],
    [
      "somebody else",
      answerFor(outbound4, { outcome: "taken", received: "220 mail\r\n" }),
      'outbound IPv4: no redirect to port 4140: another program took the connection to 192.0.2.2:1404, and said "220 mail\\r\\n"',
    ],
    [
      "somebody else who is silent",
      answerFor(outbound4, { outcome: "taken" }),
      "outbound IPv4: no redirect to port 4140: another program took the connection to 192.0.2.2:1404",
    ],
    [
      "a port that is held, in both families",
      answerFor((request) => !isInbound(request), HELD),
      "outbound IPv4 and IPv6: port 4140 is held by another program",
    ],
    [
      "an address that the pod does not have",
      answerFor(outbound4, {
        outcome: "not-listening",
        ...failure("EADDRNOTAVAIL", "Cannot assign requested address", "bind"),
      }),
      "outbound IPv4: cannot listen on 0.0.0.0:4140: Cannot assign requested address (EADDRNOTAVAIL)",
    ],
    [
      "a kernel that lets no packet out",
      answerFor(outbound4, { outcome: "not-sent", ...failure("EPERM", "Operation not permitted") }),
      "outbound IPv4: cannot connect to 192.0.2.2:1404: Operation not permitted (EPERM)",
    ],
    [
      "another original destination",
      answerFor(outbound4, { outcome: "returned", originalDestination: { address: "10.9.9.9", port: 80 } }),
      "outbound IPv4: redirected to port 4140, but with 10.9.9.9:80 for its original destination, instead of 192.0.2.2:1404",
    ],
    [
      "no original destination",
      answerFor(outbound4, { outcome: "returned" }),
      "outbound IPv4: redirected to port 4140, but the kernel does not tell the original destination",
    ],
    [
      "inbound connections that are let through",
      answerFor((request) => isInbound(request) && !isIPv6(request), REFUSED),
      "inbound IPv4: no redirect to port 4143: a connection from outside was refused, as is one that is redirected to a port where nobody listens",
    ],
    [
      "inbound connections that are dropped",
      answerFor((request) => isInbound(request) && isIPv6(request), { outcome: "timed-out" }),
      expect.stringMatching(
        /^inbound IPv6: no redirect: nobody answered a connection from outside within \d+m?s: it was dropped$/,
      ),
    ],
  ])("%s", async (_, answer, line) => {
    const { code, lines, host } = await run(answer);
    expect(code).toBe(95);
    expect(host.stderr).toBe("");
    expect(lines.filter((text) => text.startsWith("error: ")).map((text) => text.slice(7))).toEqual([line]);
    expect(lines).not.toContain("info: validated");
  });

  test("the proxy's own user is a reason for there being no redirect", async () => {
    const { lines } = await run(() => ({ uid: 2102, outcome: "timed-out" }), ["--inbound=false"]);
    expect(lines[0]).toMatch(
      /; it was of uid 2102: should that be the proxy's, its connections are not redirected$/,
    );
    for (const uid of [0, 65534]) {
      const { lines } = await run(() => ({ uid, outcome: "timed-out" }), ["--inbound=false"]);
      expect(lines[0]).not.toContain("uid");
    }
    // What comes in from outside is nobody's.
    const inbound: Answer = (request) =>
      isInbound(request) ? { uid: 2102, ...REFUSED } : redirected(request);
    expect((await run(inbound)).lines.join()).not.toContain("uid");
  });
});

describe("what cannot be checked", () => {
  const noIPv6: Answer = (request) => (isIPv6(request) ? NO_ROUTE : redirected(request));
  const unprivileged: Answer = (request) => (isInbound(request) ? NO_DEVICE : redirected(request));

  test("a pod without a route for IPv6: it is left out, inbound, too", async () => {
    const { code, lines, host } = await run(noIPv6);
    expect(code).toBe(0);
    expect(lines).toEqual([
      "info: outbound IPv4: redirected to port 4140, the original destination is known",
      "info: outbound IPv6: not checked: the pod has no route to 2001:db8::2: Network is unreachable (ENETUNREACH)",
      "info: inbound IPv4: redirected to port 4143, the original destination is known",
      "info: validated",
    ]);
    expect(host.requests).toHaveLength(3);
  });

  test.each(["not-listening", "not-sent"])("a kernel without IPv6 (%s)", async (outcome) => {
    const absent = {
      outcome,
      ...failure("EAFNOSUPPORT", "Address family not supported by protocol", "socket"),
    };
    const { code, lines } = await run((request) => (isIPv6(request) ? absent : redirected(request)));
    expect(code).toBe(0);
    expect(lines[1]).toBe("info: outbound IPv6: not checked: the kernel does not have it");
  });

  test("--ipv6=true insists on it, --ipv6=false leaves it out", async () => {
    const { code, lines } = await run(noIPv6, ["--ipv6=true"]);
    expect(code).toBe(95);
    expect(lines).toContain(
      "error: outbound IPv6: cannot be checked: the pod has no route to 2001:db8::2: Network is unreachable (ENETUNREACH)",
    );
    const without = await run(redirected, ["--ipv6=false"]);
    expect(without.code).toBe(0);
    expect(without.host.requests.filter(isIPv6)).toEqual([]);
  });

  test("a pod without any route: nothing was checked, exit 95", async () => {
    const { code, lines } = await run(() => NO_ROUTE);
    expect(code).toBe(95);
    expect(lines.at(-1)).toBe("error: nothing could be checked");
  });

  test.each([
    ["EPERM", "this needs the capability NET_ADMIN"],
    ["ENOENT", "this needs the device /dev/net/tun"],
    ["EBUSY", "no device can be made: Why (EBUSY)"],
  ])("inbound without a device: %s", async (name, reason) => {
    const answer: Answer = (request) =>
      isInbound(request) ? { outcome: "no-device", ...failure(name, "Why") } : redirected(request);
    const { code, lines, host } = await run(answer);
    expect(code).toBe(0);
    expect(lines.slice(1)).toEqual([
      `info: inbound IPv4 and IPv6: not checked: ${reason}`,
      "info: validated",
    ]);
    expect(host.requests).toHaveLength(3);
  });

  test("--inbound=true insists on it, --inbound=false leaves it out", async () => {
    const { code, lines } = await run(unprivileged, ["--inbound=true"]);
    expect(code).toBe(95);
    expect(lines).toContain(
      "error: inbound IPv4 and IPv6: cannot be checked: this needs the capability NET_ADMIN",
    );
    const without = await run(redirected, ["--inbound=false"]);
    expect(without.code).toBe(0);
    expect(without.host.requests).toHaveLength(2);
  });
});

describe("--connect-addr: as Linkerd's validator", () => {
  const LINKERD =
    "--log-format plain --log-level debug --connect-addr 192.0.2.2:1404 --listen-addr 0.0.0.0:4140 --timeout 10s".split(
      " ",
    );

  test("one connection, with all of the time, as far as it goes", async () => {
    const { host, code, lines } = await run(redirected, LINKERD);
    expect(code).toBe(0);
    expect(lines.at(-1)).toBe("info: validated");
    expect(lines[0]).toMatch(/^debug: /);
    expect(host.requests).toEqual([
      {
        op: "exchange",
        listen: { address: "0.0.0.0", port: 4140 },
        connect: { address: "192.0.2.2", port: 1404 },
        ipv6Only: false,
        token: expect.any(String),
        timeoutMs: expect.toSatisfy((share: number) => share > 9000 && share <= 10_000),
      },
    ]);
  });

  test("also of IPv6, on a listener for both families", async () => {
    const { host, code } = await run(redirected, [
      "--connect-addr=[fd00::1]:20001",
      "--listen-addr=[::]:4140",
    ]);
    expect(code).toBe(0);
    expect(host.requests).toMatchObject([
      {
        listen: { address: "::", port: 4140 },
        connect: { address: "fd00::1", port: 20001 },
        ipv6Only: false,
      },
    ]);
  });

  test("where the connection wanted to go does not matter", async () => {
    expect(await run(() => ({ outcome: "returned" }), LINKERD)).toMatchObject({ code: 0 });
  });

  test.each([
    ["timed out", { outcome: "timed-out" }, /within (10|9)\d*m?s: it left the pod, or was dropped$/],
    ["held", HELD, /^error: outbound IPv4: port 4140 is held by another program$/],
    ["no route", NO_ROUTE, /^error: outbound IPv4: cannot be checked: the pod has no route to 192\.0\.2\.2/],
  ])("%s: exit 95", async (_, answer, line) => {
    const { code, lines } = await run(() => answer, LINKERD);
    expect(code).toBe(95);
    expect(lines.at(-1)).toMatch(line);
  });
});

describe("flags and environment", () => {
  test.each([
    [["--bogus"], "--bogus: unknown flag"],
    [["--timeout"], "--timeout: needs a value"],
    [["--timeout", "10"], '--timeout: "10" is not a number and ms, s, m, h or d'],
    [["--connect-addr", "192.0.2.2"], '--connect-addr: "192.0.2.2" is not an IP address with a port'],
    [["--listen-addr=:4140"], '--listen-addr: ":4140" is not an IP address with a port'],
    [["--inbound-listen-addr="], '--inbound-listen-addr: "" is not an IP address with a port'],
    [["--log-level", "loud"], '--log-level: "loud" holds no level: error, warn, info, debug, trace'],
    [["--log-format", "xml"], '--log-format: "xml" is neither plain nor json'],
    [["--ipv6=maybe"], '--ipv6: "maybe" is neither true nor false'],
    [["--pid", "0"], '--pid: "0" is not the number of a process'],
    [["--pid", "1", "--netns", "/x"], "--pid: --netns says it already; give one of them"],
  ])("%j: one line, exit 2, nothing asked", async (args, line) => {
    const host = new FakeHost(args);
    expect(await networkValidator(host)).toBe(2);
    expect(host.stderr).toBe(`network-validator: ${line}\n`);
    expect(host.stdout).toBe("");
    expect(host.requests).toEqual([]);
  });

  test.each([
    ["LINKERD_NETWORK_VALIDATOR_LOG_LEVEL", "loud", '"loud" holds no level: error, warn, info, debug, trace'],
    ["LINKERD_NETWORK_VALIDATOR_LOG_FORMAT", "xml", '"xml" is neither plain nor json'],
  ])("%s that is wrong is named", async (variable, value, problem) => {
    const { code, host } = await run(redirected, [], { [variable]: value });
    expect(code).toBe(2);
    expect(host.stderr).toBe(`network-validator: ${variable}: ${problem}\n`);
  });

  test("the environment sets up the log, and flags go before it", async () => {
    const env = {
      LINKERD_NETWORK_VALIDATOR_LOG_LEVEL: "error",
      LINKERD_NETWORK_VALIDATOR_LOG_FORMAT: "json",
    };
    expect((await run(redirected, [], env)).host.stdout).toBe("");
    const { host } = await run(redirected, ["--log-level=info"], env);
    expect(JSON.parse(host.stdout.split("\n")[0] ?? "")).toMatchObject({ level: "info" });
    expect((await run(redirected, ["--log-level=info", "--log-format=plain"], env)).lines).toHaveLength(3);
    expect((await run(redirected, [], { LINKERD_NETWORK_VALIDATOR_LOG_LEVEL: "" })).lines).toHaveLength(3);
  });

  test.each([
    ["off", 0],
    ["error", 0],
    ["warn", 0],
    ["info", 3],
    ["INFO", 3],
    ["linkerd=debug,info", 3],
    ["info,linkerd_network_validator=trace", 3],
    ["linkerd=debug", 3],
    ["debug", 11],
    ["trace", 11],
  ])("--log-level %s: %d records", async (level, records) => {
    expect((await run(redirected, ["--log-level", level])).lines).toHaveLength(records);
  });

  test("an address for one family says the port of the other", async () => {
    const { host } = await run(redirected, [
      "--listen-addr=127.0.0.1:15001",
      "--inbound-listen-addr=[::1]:15006",
    ]);
    expect(host.requests.map(({ listen }) => listen)).toEqual([
      { address: "127.0.0.1", port: 15001 },
      { address: "::", port: 15001 },
      { address: "0.0.0.0", port: 15006 },
      { address: "::1", port: 15006 },
    ]);
  });

  test.each([
    [[], undefined],
    [["--netns", "/proc/7/ns/net"], "/proc/7/ns/net"],
    [["--pid", "7"], "/proc/7/ns/net"],
    [["--netns", ""], undefined],
  ])("%j: the network namespace", async (args, netns) => {
    const { host } = await run(redirected, args);
    expect(host.requests.map((request) => request.netns)).toEqual([netns, netns, netns, netns]);
  });

  test("a namespace that cannot be entered: one line, exit 95", async () => {
    const detail = "cannot open the network namespace /x";
    const host = new FakeHost(["--netns=/x"], failing({ code: "namespace", detail }));
    expect(await networkValidator(host)).toBe(95);
    expect(host.stderr).toBe(`network-validator: ${detail}\n`);
  });

  test("--json: one document, and the log on standard error", async () => {
    const { host, code } = await run(
      (request) => (isIPv6(request) ? REFUSED : redirected(request)),
      ["--json", "--inbound=false"],
    );
    expect(code).toBe(95);
    expect(JSON.parse(host.stdout)).toEqual({
      valid: false,
      checks: [
        { direction: "outbound", family: "ipv4", state: "passed", text: expect.any(String) },
        {
          direction: "outbound",
          family: "ipv6",
          state: "failed",
          text: expect.stringMatching(/^no redirect/),
        },
      ],
    });
    expect(host.stderr).toContain("level=error");
  });

  test("--help, also as a command of sluice", async () => {
    const host = new FakeHost(["--help"]);
    expect(await networkValidator(host)).toBe(0);
    expect(host.stdout).toMatch(/^Usage:\n {2}network-validator \[flags\]$/m);
    expect(Math.max(...host.stdout.split("\n").map((line) => line.length))).toBeLessThan(120);
    const command = new FakeHost(["help", "validate"]);
    expect(await sluice(command)).toBe(0);
    expect(command.stdout).toBe(host.stdout.replaceAll("network-validator [", "sluice validate ["));
  });
});

test("a signal writes what was logged, and why it ends: 95", async () => {
  const { host } = await run(redirected, ["--log-format=json"]);
  host.writes.length = 0;
  expect(host.signal?.("SIGTERM")).toBe(95);
  expect(JSON.parse(host.stdout)).toMatchObject({ level: "error", msg: "ended by SIGTERM" });
});

test("sluice validate names itself", async () => {
  const host = new FakeHost(["validate", "--bogus"]);
  expect(await sluice(host)).toBe(2);
  expect(host.stderr).toBe("sluice validate: --bogus: unknown flag\n");
});

test("docs/validate.md names every flag", () => {
  const page = readFileSync(join(import.meta.dirname, "../../docs/validate.md"), "utf8");
  const flags = VALIDATE_FLAGS.filter(({ name }) => name !== "help").map(({ name }) => `\`--${name}`);
  expect(flags.filter((flag) => !page.includes(flag))).toEqual([]);
});
