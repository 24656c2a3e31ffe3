// SPDX-License-Identifier: GPL-2.0-or-later

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Mode } from "../../../src/policy/policy.ts";
import { compile, emptyRuleset } from "../../../src/ruleset/compile.ts";
import { mermaidPicture } from "../../../src/ruleset/picture/mermaid.ts";
import { packetWays } from "../../../src/ruleset/picture/packet-ways.ts";
import type { Ruleset } from "../../../src/ruleset/ruleset.ts";
import { policies } from "../../policy/arbitrary.ts";
import { rulesets } from "../arbitrary.ts";

const MODES: readonly Mode[] = ["nft", "legacy", "nftables"];
const draw = (ruleset: Ruleset): string => mermaidPicture(packetWays(ruleset));

const LABEL = String.raw`"(?:[A-Za-z0-9 _.,:/()+…-]|#\d+;|<br/>)+"`;
const ID = "[A-Z][A-Za-z0-9]*";
const NODE = String.raw`${ID}(?:\[${LABEL}\]|\[\[${LABEL}\]\]|\(\[${LABEL}\]\))?(?::::[a-z]+)?`;
/** The part of Mermaid's language that we use. */
const LINE = new RegExp(
  `^ *(?:${[
    '%%{init: {"flowchart": {"wrappingWidth": 480}}}%%',
    "flowchart LR",
    "accTitle: [A-Za-z0-9 _.,:/()+…#;-]+",
    String.raw`subgraph ${ID}\[${LABEL}\]`,
    "direction TB",
    "end",
    NODE,
    String.raw`${NODE} -->(?:\|${LABEL}\|)? ${NODE}`,
    `${ID} ~~~ ${ID}`,
    "classDef [a-z]+ fill:#[0-9a-f]{6},stroke:#[0-9a-f]{6},color:#ffffff",
  ].join("|")})$`,
);

function check(text: string): void {
  for (const line of text.trimEnd().split("\n")) expect(line).toMatch(LINE);
  // GitHub's limits.
  expect(text.length).toBeLessThan(50_000);
  expect(text.match(/-->/g)?.length ?? 0).toBeLessThan(500);
}

describe("a picture in Mermaid", () => {
  test.each(MODES)("mode %s: is made of what we know Mermaid to read", (mode) => {
    fc.assert(fc.property(policies, (policy) => check(draw(compile(policy, mode)))));
  });

  test("so is one of rules and comments of any kind", () => {
    fc.assert(fc.property(rulesets("nft"), (ruleset) => check(draw(ruleset))));
    check(draw(emptyRuleset("nft")));
  });

  test("a name may hold what is a sign of Mermaid's", () => {
    const text = draw(compile({ inbound: { proxyPort: 1, skipInterfaces: ["-->#;|`<b"] } }, "nft"));
    check(text);
    expect(text).toContain("comes in by --#62;#35;#59;#124;#96;#60;b");
  });

  test("rules that come to the same share a node, of so many lines", () => {
    const skipSubnets = Array.from({ length: 1000 }, (_, i) =>
      `10.${i % 250}.${i}.0/24`.replace(/\d{3,}(?=\.0\/)/, "9"),
    );
    const text = draw(compile({ inbound: { proxyPort: 4143, skipSubnets } }, "nft"));
    check(text);
    expect(text).toMatch(/W1R1\["1: from [^\n]*<br\/>… and 988 more rules"\]/);
  });

  test("both ways of Linkerd's defaults", () => {
    const policy = {
      proxy: { uid: 2102 },
      inbound: { proxyPort: 4143, skipPorts: [4190, 4191, 4567, 4568] },
      outbound: { proxyPort: 4140, skipPorts: [4567, 4568] },
    };
    expect(draw(compile(policy, "nft"))).toMatchInlineSnapshot(`
      "%%{init: {"flowchart": {"wrappingWidth": 480}}}%%
      flowchart LR
        accTitle: Where the connections of a pod go. Mode nft: table nat, IPv4 and IPv6
        subgraph W1["Inbound: Connections that reach the pod"]
          direction TB
          W1From(["the network"]):::net --> W1Hook["PREROUTING"]
          W1Hook -->|"every new connection"| W1Chain[["PROXY_INIT_REDIRECT"]]
          W1R1["1: to port 4190, 4191, 4567, 4568"]
          W1R2["2: all other TCP"]
          W1R3["everything that is not TCP"]
          W1To1(["the app, directly"]):::app
          W1To2(["the proxy, port 4143"]):::proxy
          W1Chain --> W1R1
          W1R1 -->|"yes"| W1To1
          W1R1 -->|"no"| W1R2
          W1R2 -->|"yes"| W1To2
          W1R2 -->|"no"| W1R3
          W1R3 --> W1To1
        end
        subgraph W2["Outbound: Connections that the pod opens"]
          direction TB
          W2From(["the app, the proxy"]):::net --> W2Hook["OUTPUT"]
          W2Hook -->|"every new connection"| W2Chain[["PROXY_INIT_OUTPUT"]]
          W2R1["1: sent by the proxy (user 2102)<br/>2: leaves by lo (stays in the pod)<br/>3: to port 4567, 4568"]
          W2R2["4: all other TCP"]
          W2R3["everything that is not TCP"]
          W2To1(["straight out"]):::app
          W2To2(["the proxy, port 4140"]):::proxy
          W2Chain --> W2R1
          W2R1 -->|"yes"| W2To1
          W2R1 -->|"no"| W2R2
          W2R2 -->|"yes"| W2To2
          W2R2 -->|"no"| W2R3
          W2R3 --> W2To1
        end
        W1 ~~~ W2
        classDef net fill:#0969da,stroke:#0969da,color:#ffffff
        classDef app fill:#1a7f37,stroke:#1a7f37,color:#ffffff
        classDef proxy fill:#8250df,stroke:#8250df,color:#ffffff
      "
    `);
  });
});
