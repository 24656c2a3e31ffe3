// SPDX-License-Identifier: GPL-2.0-or-later

// CHECK of rules that somebody has changed, in each mode.

import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import type { Mode } from "../../../src/policy/policy.ts";
import { createNamespace, type NetworkNamespace } from "../../../src/testing/index.ts";
import { hosts, skipBecause } from "../hosts.ts";
import { output } from "../kernel-state.ts";
import { callFor, Node, runPlugin } from "./run-plugin.ts";

type Change = readonly [title: string, file: string, args: readonly string[], message: RegExp];

const tables = (program: string, family = ""): readonly Change[] => [
  [
    "a jump is gone",
    program,
    ["-t", "nat", "-F", "PREROUTING"],
    /no rule of PREROUTING leads into PROXY_INIT_REDIRECT/,
  ],
  [
    "a chain is empty",
    program,
    ["-t", "nat", "-F", "PROXY_INIT_OUTPUT"],
    /PROXY_INIT_OUTPUT redirects nothing/,
  ],
  [
    "a rule is gone",
    program,
    ["-t", "nat", "-D", "PROXY_INIT_REDIRECT", "1"],
    /no rule is for ports 4190 to 4191|no rule is for port 4190|different rules/,
  ],
  [
    "a rule is another",
    program,
    ["-t", "nat", "-A", "PROXY_INIT_REDIRECT", "-p", "udp", "-j", "RETURN"],
    /a rule that no policy has/,
  ],
  [`${family || "IPv4"} is flushed`, program, ["-t", "nat", "-F"], /leads into/],
];

const CHANGES: Readonly<Record<Mode, readonly Change[]>> = {
  nft: [...tables("iptables-nft"), ["IPv6 is flushed", "ip6tables-nft", ["-t", "nat", "-F"], /IPv6/]],
  legacy: [
    ...tables("iptables-legacy"),
    ["IPv6 is flushed", "ip6tables-legacy", ["-t", "nat", "-F"], /IPv6/],
  ],
  nftables: [
    [
      "a chain is empty",
      "nft",
      ["flush", "chain", "inet", "sluice", "outbound"],
      /outbound redirects nothing/,
    ],
    ["a jump is gone", "nft", ["flush", "chain", "inet", "sluice", "prerouting"], /leads into inbound/],
  ],
};

// What differs between hosts, conformance.test.ts has.
describe("CHECK, on static", () => {
  const [host] = hosts.filter(({ name }) => name === "static");
  if (host === undefined) throw new Error("there is no static host");
  skipBecause(host.missing);

  let node: Node;
  let namespace: NetworkNamespace;

  beforeAll(async () => {
    node = await Node.start();
  });
  afterAll(async () => {
    await node[Symbol.asyncDispose]();
  });
  beforeEach(async () => {
    node.linkerd = {};
    node.setPod();
    namespace = await createNamespace();
  });
  afterEach(async () => {
    await namespace[Symbol.asyncDispose]();
  });

  const run = (command: string, config = node.config()) =>
    runPlugin(host, callFor(node, command, namespace, config));

  async function expectWrong(message: RegExp, config = node.config()): Promise<void> {
    const requests = node.api.requests.length;
    const { code, result, stdout } = await run("CHECK", config);
    expect(code, stdout).toBe(1);
    expect(result).toMatchObject({ code: 103 });
    expect(result?.details).toMatch(message);
    expect(result?.msg).toMatch(/^the rules are not as they should be: /);
    expect(node.api.requests).toHaveLength(requests);
  }

  describe.each(Object.entries(CHANGES))("in mode %s", (mode, changes) => {
    test.each(changes)("%s", async (_, file, args, message) => {
      node.linkerd = { "iptables-mode": mode };
      expect((await run("ADD")).code).toBe(0);
      expect((await run("CHECK")).stdout).toBe("");
      await output(namespace, file, args);
      await expectWrong(message);
      // An ADD mends it.
      expect((await run("ADD")).code).toBe(0);
      expect((await run("CHECK")).stdout).toBe("");
    });
  });

  test.each([
    ["incoming-proxy-port", 15006, /redirected to port 4143, and linkerd\.incoming-proxy-port is 15006/],
    ["outgoing-proxy-port", 15001, /redirected to port 4140, and linkerd\.outgoing-proxy-port is 15001/],
    ["ports-to-redirect", [80], /no rule is for port 80, which linkerd\.ports-to-redirect names/],
    ["inbound-ports-to-ignore", ["4190", "4191", "5000-5001"], /no rule is for ports 5000 to 5001/],
    ["iptables-mode", "legacy", /they are in mode nft, and linkerd\.iptables-mode is legacy/],
    ["ipv6", false, /IPv6: there are rules, and linkerd\.ipv6 is false/],
  ])("the configuration says another %s", async (key, value, message) => {
    expect((await run("ADD")).code).toBe(0);
    node.linkerd = { [key]: value };
    await expectWrong(message);
  });

  test("what annotations say is not held against the configuration", async () => {
    node.setPod({
      metadata: {
        annotations: {
          "config.linkerd.io/skip-inbound-ports": "80,8000-8010",
          "config.linkerd.io/skip-outbound-ports": "5432",
          "config.linkerd.io/skip-subnets": "10.0.0.0/8,fd00::/8",
          "config.linkerd.io/proxy-uid": "5000",
        },
      },
    });
    for (const mode of ["nft", "legacy", "nftables"]) {
      node.linkerd = { "iptables-mode": mode };
      expect((await run("ADD")).code).toBe(0);
      expect((await run("CHECK")).stdout, mode).toBe("");
    }
  });

  test("a jump that is there twice is no fault: an ADD leaves it", async () => {
    expect((await run("ADD")).code).toBe(0);
    await output(namespace, "iptables-nft", ["-t", "nat", "-A", "OUTPUT", "-j", "PROXY_INIT_OUTPUT"]);
    expect((await run("CHECK")).stdout).toBe("");
  });

  test("rules of others beside them are no fault", async () => {
    await output(namespace, "iptables-nft", [
      "-t",
      "nat",
      "-A",
      "OUTPUT",
      "-d",
      "203.0.113.1",
      "-j",
      "ACCEPT",
    ]);
    expect((await run("ADD")).code).toBe(0);
    expect((await run("CHECK")).stdout).toBe("");
  });

  test("a pod without rules is right, unless a proxy listens in it", async () => {
    expect((await run("CHECK")).stdout).toBe("");
    await namespace.listen({ port: 4143 });
    expect((await run("CHECK")).stdout).toBe("");
    await namespace.listen({ port: 4140 });
    await expectWrong(/they are missing: a proxy listens on ports 4143 and 4140/);
  });
});
