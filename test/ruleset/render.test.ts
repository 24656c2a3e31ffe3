// SPDX-License-Identifier: GPL-2.0-or-later

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { RedirectPolicy } from "../../src/policy/policy.ts";
import { compile } from "../../src/ruleset/compile.ts";
import { type RenderFormat, render } from "../../src/ruleset/render.ts";
import { policies } from "../policy/arbitrary.ts";

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
      "CHAIN                COMMENT                    RULE                                WHAT IT DOES
      -------------------  -------------------------  ----------------------------------  ----------------------------------
      PREROUTING           proxy-init/install-proxy-  -j PROXY_INIT_REDIRECT              Every new connection that reaches
                           init-prerouting                                                the pod is checked against the
                                                                                          rules of PROXY_INIT_REDIRECT.

      PROXY_INIT_REDIRECT  proxy-init/ignore-port-    -p tcp -m multiport --dports 4190,  Connections to ports 4190, 4191,
                           4190,4191,4567,4568        4191,4567,4568 -j RETURN            4567 and 4568 go straight to the
                                                                                          app, not to the proxy.

      PROXY_INIT_REDIRECT  proxy-init/redirect-all-   -p tcp -j REDIRECT --to-ports 4143  All other TCP connections go to
                           incoming-to-proxy-port                                         the proxy, on port 4143.

      OUTPUT               proxy-init/install-proxy-  -j PROXY_INIT_OUTPUT                Every new connection that the pod
                           init-output                                                    opens is checked against the rules
                                                                                          of PROXY_INIT_OUTPUT.

      PROXY_INIT_OUTPUT    proxy-init/ignore-proxy-   -m owner --uid-owner 2102           The proxy's own connections (user
                           user-id                    -j RETURN                           2102) go straight to their
                                                                                          destination, not back to the
                                                                                          proxy.

      PROXY_INIT_OUTPUT    proxy-init/ignore-         -o lo -j RETURN                     Connections inside the pod
                           loopback                                                       (interface lo) go straight to
                                                                                          their destination, not to the
                                                                                          proxy.

      PROXY_INIT_OUTPUT    proxy-init/ignore-port-    -p tcp -m multiport --dports 4567,  Connections to ports 4567 and 4568
                           4567,4568                  4568 -j RETURN                      go straight to their destination,
                                                                                          not to the proxy.

      PROXY_INIT_OUTPUT    proxy-init/redirect-all-   -p tcp -j REDIRECT --to-ports 4140  All other TCP connections go to
                           outgoing-to-proxy-port                                         the proxy, on port 4140.
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
      "CHAIN                COMMENT                    RULE                                WHAT IT DOES
      -------------------  -------------------------  ----------------------------------  ----------------------------------
      PREROUTING           proxy-init/install-proxy-  -j PROXY_INIT_REDIRECT              Every new connection that reaches
                           init-prerouting                                                the pod is checked against the
                                                                                          rules of PROXY_INIT_REDIRECT.

      PROXY_INIT_REDIRECT  proxy-init/ignore-port-    -p tcp -m multiport                 Connections to ports 1000-2000,
                           1000:2000,20001,20002,     --dports 1000:2000,20001,20002,     20001, 20002, 20003, 20004,
                           20003,20004,1005:2005,     20003,20004,1005:2005,20006,20007,  1005-2005, 20006, 20007, 20008,
                           20006,20007,20008,20009,   20008,20009,1010:2010,20011         20009, 1010-2010 and 20011 go
                           1010:2010,20011            -j RETURN                           straight to the app, not to the
                                                                                          proxy.

      PROXY_INIT_REDIRECT  proxy-init/ignore-port-    -p tcp -m multiport                 Connections to ports 20012, 20013,
                           20012,20013,20014,         --dports 20012,20013,20014,         20014, 1015-2015, 20016, 20017,
                           1015:2015,20016,20017,     1015:2015,20016,20017,20018,20019,  20018, 20019, 1020-2020, 20021,
                           20018,20019,1020:2020,     1020:2020,20021,20022,20023,20024   20022, 20023 and 20024 go straight
                           20021,20022,20023,20024    -j RETURN                           to the app, not to the proxy.

      PROXY_INIT_REDIRECT  proxy-init/ignore-port-    -p tcp -m multiport                 Connections to ports 1025-2025,
                           1025:2025,20026,20027,     --dports 1025:2025,20026,20027,     20026, 20027, 20028, 20029,
                           20028,20029,1030:2030,     20028,20029,1030:2030,20031,20032,  1030-2030, 20031, 20032, 20033,
                           20031,20032,20033,20034,   20033,20034,1035:2035,20036         20034, 1035-2035 and 20036 go
                           1035:2035,20036            -j RETURN                           straight to the app, not to the
                                                                                          proxy.

      PROXY_INIT_REDIRECT  proxy-init/ignore-port-    -p tcp -m multiport                 Connections to ports 20037, 20038
                           20037,20038,20039          --dports 20037,20038,20039          and 20039 go straight to the app,
                                                      -j RETURN                           not to the proxy.

      PROXY_INIT_REDIRECT  proxy-init/ignore-subnet-  -s 10.0.0.0/8 -j RETURN             IPv4 only: connections from
                           10.1.2.3/8                                                     10.0.0.0/8 go straight to the app,
                                                                                          not to the proxy.

      PROXY_INIT_REDIRECT  proxy-init/ignore-subnet-  -j RETURN                           IPv6 only: all other connections
                           ::/0                                                           go straight to the app, not to the
                                                                                          proxy.

      PROXY_INIT_REDIRECT  proxy-init/redirect-port-  -p tcp -m tcp --dport 80            Connections to port 80 go to the
                           80-to-proxy-port           -j REDIRECT --to-ports 4143         proxy, on port 4143.
      "
    `);
  });

  test("has a row for each rule, no line wider than 120 without an IPv6 address, no trailing space", () => {
    fc.assert(
      fc.property(policies, (policy) => {
        const ruleset = compile(policy, "nft");
        const lines = render(ruleset, "table").split("\n");
        const rows = lines.slice(2).filter((line) => /^[A-Z]/.test(line)).length;
        const rules =
          ruleset.baseChains.reduce((sum, { jumps }) => sum + jumps.length, 0) +
          ruleset.chains.reduce((sum, { rules }) => sum + rules.length, 0);
        expect(rows).toBe(rules);
        const wide = lines.some((line) => line.length > 120);
        expect(wide && !lines.some((line) => line.includes("IPv6 only"))).toBe(false);
        expect(lines.some((line) => line.endsWith(" "))).toBe(false);
      }),
    );
  });

  test("refuses another format", () => {
    const formats: RenderFormat[] = JSON.parse('["html", "nft"]');
    for (const format of formats) {
      expect(() => render(compile(LINKERD, "nft"), format)).toThrow(
        new RangeError(`mode nft has no format "${format}": use "iptables-save" or "table"`),
      );
    }
    expect(() => render(compile(LINKERD, "nftables"), "iptables-save")).toThrow(
      new RangeError('mode nftables has no format "iptables-save": use "nft" or "table"'),
    );
  });
});
