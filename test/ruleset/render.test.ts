// SPDX-License-Identifier: GPL-2.0-or-later

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Mode, RedirectPolicy } from "../../src/policy/policy.ts";
import { compile } from "../../src/ruleset/compile.ts";
import { type RenderFormat, render } from "../../src/ruleset/render.ts";
import type { Ruleset } from "../../src/ruleset/ruleset.ts";
import { policies } from "../policy/arbitrary.ts";

const MODES: readonly Mode[] = ["nft", "legacy", "nftables"];

/** What Linkerd's chart passes. */
const LINKERD: RedirectPolicy = {
  proxy: { uid: 2102 },
  inbound: { proxyPort: 4143, skipPorts: [4190, 4191, 4567, 4568] },
  outbound: { proxyPort: 4140, skipPorts: [4567, 4568] },
};

describe("render", () => {
  test("writes a block for each family, with the command that reads it", () => {
    expect(
      render(compile({ outbound: { proxyPort: 4140, skipSubnets: ["10.0.0.0/8"] } }, "nft"), "iptables-save"),
    ).toMatchInlineSnapshot(`
      "# IPv4: iptables-nft-restore --noflush
      *nat
      :OUTPUT ACCEPT [0:0]
      :PROXY_INIT_OUTPUT - [0:0]
      -A OUTPUT -m comment --comment "proxy-init/install-proxy-init-output" -j PROXY_INIT_OUTPUT
      -A PROXY_INIT_OUTPUT -o lo -m comment --comment "proxy-init/ignore-loopback" -j RETURN
      -A PROXY_INIT_OUTPUT -d 10.0.0.0/8 -m comment --comment "proxy-init/ignore-subnet-10.0.0.0/8" -j RETURN
      -A PROXY_INIT_OUTPUT -p tcp -m comment --comment "proxy-init/redirect-all-outgoing-to-proxy-port" -j REDIRECT --to-ports 4140
      COMMIT
      # IPv6: ip6tables-nft-restore --noflush
      *nat
      :OUTPUT ACCEPT [0:0]
      :PROXY_INIT_OUTPUT - [0:0]
      -A OUTPUT -m comment --comment "proxy-init/install-proxy-init-output" -j PROXY_INIT_OUTPUT
      -A PROXY_INIT_OUTPUT -o lo -m comment --comment "proxy-init/ignore-loopback" -j RETURN
      -A PROXY_INIT_OUTPUT -p tcp -m comment --comment "proxy-init/redirect-all-outgoing-to-proxy-port" -j REDIRECT --to-ports 4140
      COMMIT
      "
    `);
    expect(
      render(compile({ outbound: { proxyPort: 4140 } }, "legacy"), "iptables-save").match(/^#.*$/gm),
    ).toStrictEqual([
      "# IPv4: iptables-legacy-restore --noflush",
      "# IPv6: ip6tables-legacy-restore --noflush",
    ]);
  });

  test("sets Linkerd's own rules in a table", () => {
    expect(render(compile(LINKERD, "nft"), "table")).toMatchInlineSnapshot(`
      "CHAIN, COMMENT        RULE                       WHAT IT DOES
      --------------------  -------------------------  -----------------------------
      PREROUTING            -j PROXY_INIT_REDIRECT     Every new connection that
      proxy-init/install-                              reaches the pod is checked
      proxy-init-                                      against the rules of
      prerouting                                       PROXY_INIT_REDIRECT.

      PROXY_INIT_REDIRECT   -p tcp -m multiport        Connections to ports 4190,
      proxy-init/ignore-    --dports 4190,4191,4567,   4191, 4567 and 4568 go
      port-4190,4191,4567,  4568 -j RETURN             straight to the app, not to
      4568                                             the proxy.

      PROXY_INIT_REDIRECT   -p tcp -j REDIRECT         All other TCP connections go
      proxy-init/redirect-  --to-ports 4143            to the proxy, on port 4143.
      all-incoming-to-
      proxy-port

      OUTPUT                -j PROXY_INIT_OUTPUT       Every new connection that the
      proxy-init/install-                              pod opens is checked against
      proxy-init-output                                the rules of
                                                       PROXY_INIT_OUTPUT.

      PROXY_INIT_OUTPUT     -m owner --uid-owner 2102  The proxy's own connections
      proxy-init/ignore-    -j RETURN                  (user 2102) go straight to
      proxy-user-id                                    their destination, not back
                                                       to the proxy.

      PROXY_INIT_OUTPUT     -o lo -j RETURN            Connections inside the pod
      proxy-init/ignore-                               (interface lo) go straight to
      loopback                                         their destination, not to the
                                                       proxy.

      PROXY_INIT_OUTPUT     -p tcp -m multiport        Connections to ports 4567 and
      proxy-init/ignore-    --dports 4567,4568         4568 go straight to their
      port-4567,4568        -j RETURN                  destination, not to the
                                                       proxy.

      PROXY_INIT_OUTPUT     -p tcp -j REDIRECT         All other TCP connections go
      proxy-init/redirect-  --to-ports 4140            to the proxy, on port 4140.
      all-outgoing-to-
      proxy-port
      "
    `);
  });

  test("keeps the columns of a table when port lists are long", () => {
    const skipPorts = Array.from({ length: 40 }, (_, i) =>
      i % 5 === 0 ? `${1000 + i}-${2000 + i}` : 20000 + i,
    );
    const skipSubnets = ["10.1.2.3/8", "::/0"];
    const table = render(
      compile({ inbound: { proxyPort: 4143, redirectPorts: [80], skipPorts, skipSubnets } }, "nft"),
      "table",
    );
    expect(table).toMatchInlineSnapshot(`
      "CHAIN, COMMENT        RULE                         WHAT IT DOES
      --------------------  ---------------------------  -----------------------------
      PREROUTING            -j PROXY_INIT_REDIRECT       Every new connection that
      proxy-init/install-                                reaches the pod is checked
      proxy-init-                                        against the rules of
      prerouting                                         PROXY_INIT_REDIRECT.

      PROXY_INIT_REDIRECT   -p tcp -m multiport          Connections to ports
      proxy-init/ignore-    --dports 1000:2000,20001,    1000-2000, 20001, 20002,
      port-1000:2000,       20002,20003,20004,           20003, 20004, 1005-2005,
      20001,20002,20003,    1005:2005,20006,20007,       20006, 20007, 20008, 20009,
      20004,1005:2005,      20008,20009,1010:2010,20011  1010-2010 and 20011 go
      20006,20007,20008,    -j RETURN                    straight to the app, not to
      20009,1010:2010,                                   the proxy.
      20011

      PROXY_INIT_REDIRECT   -p tcp -m multiport          Connections to ports 20012,
      proxy-init/ignore-    --dports 20012,20013,20014,  20013, 20014, 1015-2015,
      port-20012,20013,     1015:2015,20016,20017,       20016, 20017, 20018, 20019,
      20014,1015:2015,      20018,20019,1020:2020,       1020-2020, 20021, 20022,
      20016,20017,20018,    20021,20022,20023,20024      20023 and 20024 go straight
      20019,1020:2020,      -j RETURN                    to the app, not to the proxy.
      20021,20022,20023,
      20024

      PROXY_INIT_REDIRECT   -p tcp -m multiport          Connections to ports
      proxy-init/ignore-    --dports 1025:2025,20026,    1025-2025, 20026, 20027,
      port-1025:2025,       20027,20028,20029,           20028, 20029, 1030-2030,
      20026,20027,20028,    1030:2030,20031,20032,       20031, 20032, 20033, 20034,
      20029,1030:2030,      20033,20034,1035:2035,20036  1035-2035 and 20036 go
      20031,20032,20033,    -j RETURN                    straight to the app, not to
      20034,1035:2035,                                   the proxy.
      20036

      PROXY_INIT_REDIRECT   -p tcp -m multiport          Connections to ports 20037,
      proxy-init/ignore-    --dports 20037,20038,20039   20038 and 20039 go straight
      port-20037,20038,     -j RETURN                    to the app, not to the proxy.
      20039

      PROXY_INIT_REDIRECT   -s 10.0.0.0/8 -j RETURN      IPv4 only: connections from
      proxy-init/ignore-                                 10.0.0.0/8 go straight to the
      subnet-10.1.2.3/8                                  app, not to the proxy.

      PROXY_INIT_REDIRECT   -j RETURN                    IPv6 only: all other
      proxy-init/ignore-                                 connections go straight to
      subnet-::/0                                        the app, not to the proxy.

      PROXY_INIT_REDIRECT   -p tcp -m tcp --dport 80     Connections to port 80 go to
      proxy-init/redirect-  -j REDIRECT --to-ports 4143  the proxy, on port 4143.
      port-80-to-proxy-
      port
      "
    `);
  });

  test("sets what is in sets under it", () => {
    const inbound = { proxyPort: 4143, skipPorts: [4190, 4191, 4567], skipSubnets: ["fd00::/8"] };
    expect(render(compile({ inbound }, "nftables"), "table")).toMatchInlineSnapshot(`
      "CHAIN, COMMENT        RULE                         WHAT IT DOES
      --------------------  ---------------------------  -----------------------------
      prerouting            tcp flags & (fin | syn |     Every new connection that
      proxy-init/install-   rst | ack) == syn counter    reaches the pod is checked
      proxy-init-           jump inbound                 against the rules of inbound.
      prerouting

      inbound               tcp dport                    Connections to a port in the
      proxy-init/ignore-    @inbound_skip_ports counter  set inbound_skip_ports go
      ports                 return                       straight to the app, not to
                                                         the proxy.

      inbound               ip6 saddr                    IPv6 only: connections from
      proxy-init/ignore-    @inbound_skip_subnets6       an address in the set
      subnets               counter return               inbound_skip_subnets6 go
                                                         straight to the app, not to
                                                         the proxy.

      inbound               meta l4proto tcp counter     All other TCP connections go
      proxy-init/redirect-  redirect to :4143            to the proxy, on port 4143.
      all-incoming-to-
      proxy-port

      SET                    HOLDS
      ---------------------  ---------------
      inbound_skip_ports     4190-4191, 4567
      inbound_skip_subnets6  fd00::/8
      "
    `);
  });

  test.each(MODES)("mode %s: has a row for each rule, no line wider than 80, no trailing space", (mode) => {
    fc.assert(
      fc.property(policies, (policy) => {
        const ruleset = compile(policy, mode);
        const text = render(ruleset, "table");
        const rows = text.split("\n\nSET ")[0]?.split("\n\n").length;
        const rules =
          ruleset.baseChains.reduce((sum, { jumps }) => sum + jumps.length, 0) +
          ruleset.chains.reduce((sum, { rules }) => sum + rules.length, 0);
        expect(rows).toBe(rules);
        for (const line of text.split("\n")) {
          expect(line.length).toBeLessThanOrEqual(80);
          expect(line).not.toMatch(/ $/);
        }
      }),
    );
  });

  test("gives the ruleset itself as JSON", () => {
    const ruleset = compile(LINKERD, "nftables");
    expect(JSON.parse(render(ruleset, "json"))).toEqual(ruleset);
  });

  test.each(MODES)("mode %s: draws the same picture of what went through JSON", (mode) => {
    fc.assert(
      fc.property(policies, (policy) => {
        const ruleset = compile(policy, mode);
        const again: Ruleset = JSON.parse(render(ruleset, "json"));
        for (const format of ["svg", "mermaid"] as const)
          expect(render(again, format)).toBe(render(ruleset, format));
      }),
    );
  });

  test("refuses another format", () => {
    const formats: RenderFormat[] = JSON.parse('["html", "nft"]');
    for (const format of formats) {
      expect(() => render(compile(LINKERD, "nft"), format)).toThrow(
        new RangeError(
          `mode nft has no format "${format}", but "table", "iptables-save", "json", "mermaid", "svg"`,
        ),
      );
    }
    expect(() => render(compile(LINKERD, "nftables"), "iptables-save")).toThrow(
      new RangeError(
        'mode nftables has no format "iptables-save", but "table", "nft", "json", "mermaid", "svg"',
      ),
    );
  });
});
