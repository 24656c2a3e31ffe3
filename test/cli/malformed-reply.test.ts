// SPDX-License-Identifier: GPL-2.0-or-later

// A core that says what docs/core.md does not: the message names the place.

import { expect, test } from "vitest";
import { proxyInit } from "../../src/cli/proxy-init.ts";
import { FakeHost, kernel, type Request } from "./fake-host.ts";

const FLAGS = ["-p4143", "-o4140", "-u1", "--iptables-mode=nft"];

interface Reply {
  ok: Record<string, unknown> & { families: Record<string, unknown>[] };
}

/** A rule that has it, in the mode nft. */
function withMatch({ ok }: Reply, match: object): void {
  const rule = { own: true, matches: [match], verdict: { type: "return" }, comment: "" };
  Object.assign(ok.families[0] ?? {}, { chains: [{ name: "PROXY_INIT_OUTPUT", rules: [rule] }] });
}

test.each<[string, (reply: Reply) => void]>([
  ["reply.ok.changed is not a boolean", ({ ok }) => delete ok.changed],
  ["reply.ok.families is not an array", ({ ok }) => Object.assign(ok, { families: {} })],
  [
    "reply.ok.families[1].present is not a boolean",
    ({ ok }) => Object.assign(ok.families[1] ?? {}, { present: 1 }),
  ],
  [
    "reply.ok.families[0].family is not one of ipv4, ipv6",
    ({ ok }) => Object.assign(ok.families[0] ?? {}, { family: "toString" }),
  ],
  [
    "reply.ok.families[0].sets is not an array",
    ({ ok }) => Object.assign(ok.families[0] ?? {}, { sets: undefined }),
  ],
  [
    "reply.ok.families[0].chains[0].rules[0].matches[0].type is not one of protocol, inInterface",
    (reply) => withMatch(reply, { type: "newConnection" }),
  ],
  [
    "reply.ok.families[0].chains[0].rules[0].matches[0].subnet.address is not an address of IPv4",
    (reply) =>
      withMatch(reply, {
        type: "source",
        subnet: { family: "ipv4", address: "fd00::", prefixLength: 8 },
      }),
  ],
])("%s", async (place, spoil) => {
  const answer = kernel();
  const host = new FakeHost(FLAGS, (request: Request) => {
    const reply: Reply = JSON.parse(JSON.stringify(answer(request)));
    spoil(reply);
    return reply;
  });
  const problem = await proxyInit(host).then(
    () => host.stderr,
    (error: Error) => error.message,
  );
  expect(problem).toContain(`the core's reply is malformed: ${place}`);
});
