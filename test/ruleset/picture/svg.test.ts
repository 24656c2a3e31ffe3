// SPDX-License-Identifier: GPL-2.0-or-later

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { compile } from "../../../src/ruleset/compile.ts";
import { packetWays } from "../../../src/ruleset/picture/packet-ways.ts";
import { DARK, LIGHT } from "../../../src/ruleset/picture/style.ts";
import { svgPicture } from "../../../src/ruleset/picture/svg.ts";
import type { Rule, Ruleset } from "../../../src/ruleset/ruleset.ts";
import { policies } from "../../policy/arbitrary.ts";
import { rulesets } from "../arbitrary.ts";
import { xmlProblem } from "./xml.ts";

const draw = (ruleset: Ruleset): string => svgPicture(packetWays(ruleset));

describe("a picture in SVG", () => {
  test.each([
    ['<a><b c="d"/>&amp;</a>', undefined],
    ["<a>", "still open: a"],
    ["<a></b>", "not the end of what is open: </b>"],
    ["<a>&</a>", "neither text nor an element: &</a>"],
    ["<a>&nbsp;</a>", "neither text nor an element: &nbsp;</a>"],
    ['<a b="<"/>', 'neither text nor an element: <a b="<"/>'],
    ['<a b="1" b="2"/>', 'an attribute twice: <a b="1" b="2"/>'],
    ["<a/><a/>", "behind the end: <a/>"],
    ["<a>\u0001</a>", "a character that XML does not have"],
    ["<a>\ud800</a>", "a character that XML does not have"],
  ])("the check of XML itself: %j", (text, problem) => {
    expect(xmlProblem(text)).toBe(problem);
  });

  test.each(["nft", "legacy", "nftables"] as const)(
    "mode %s: is well-formed XML, always the same",
    (mode) => {
      fc.assert(
        fc.property(policies, (policy) => {
          const text = draw(compile(policy, mode));
          expect(xmlProblem(text)).toBeUndefined();
          expect(draw(compile(policy, mode))).toBe(text);
        }),
      );
    },
  );

  test("is well-formed whatever rules and comments there are", () => {
    fc.assert(
      fc.property(rulesets("nft"), (ruleset) => {
        expect(xmlProblem(draw(ruleset))).toBeUndefined();
      }),
    );
  });

  test("escapes what a name or a comment holds, and leaves out what XML cannot say", () => {
    const { chains, ...rest } = compile({ inbound: { proxyPort: 1 } }, "nft");
    const name = `</text>&"<\u0000\ud83d\u202e\u{1f600}]]>`;
    const rules = chains[0]?.rules.map(
      (rule): Rule => ({ ...rule, matches: [{ type: "inInterface", name }], comment: name }),
    );
    const text = draw({ ...rest, chains: [{ name: chains[0]?.name ?? "", rules: rules ?? [] }] });
    expect(xmlProblem(text)).toBeUndefined();
    expect(text).toContain("comes in by &lt;/text&gt;&amp;&quot;&lt;\ufffd\ufffd\ufffd\u{1f600}]]&gt;");
  });

  test("says what it shows to those who do not see it", () => {
    const text = draw(compile({ inbound: { proxyPort: 4143, skipSubnets: ["10.0.0.0/8"] } }, "nft"));
    const [, title, description = ""] =
      /<title [^>]*>(.*?)<\/title>\n<desc [^>]*>(.*?)<\/desc>/s.exec(text) ?? [];
    expect(title).toBe("Where the connections of a pod go. Mode nft: table nat, IPv4 and IPv6");
    expect(description.split("\n")).toEqual([
      "Mode nft: table nat, IPv4 and IPv6",
      "Inbound: Connections that reach the pod. From the network through PREROUTING, every new connection, into " +
        "PROXY_INIT_REDIRECT. The first that applies decides. 1. IPv4 only: from 10.0.0.0/8: the app, directly. " +
        "2. all other TCP: the proxy, port 4143. everything that is not TCP: the app, directly.",
      "Outbound connections go where they were going: no rule of these is for them.",
    ]);
  });

  test("has each rule's own words where the pointer rests", () => {
    const text = draw(compile({ inbound: { proxyPort: 4143 } }, "nft"));
    const tooltips = [...text.matchAll(/<rect [^>]*><title>(.*?)<\/title>/g)].map(([, tooltip]) => tooltip);
    expect(tooltips).toEqual([
      "-A PREROUTING -m comment --comment &quot;proxy-init/install-proxy-init-prerouting&quot; -j PROXY_INIT_REDIRECT",
      "-A PROXY_INIT_REDIRECT -p tcp -m comment --comment " +
        "&quot;proxy-init/redirect-all-incoming-to-proxy-port&quot; -j REDIRECT --to-ports 4143",
    ]);
  });
});

describe.each([
  ["light", LIGHT],
  ["dark", DARK],
])("in %s", (_, palette) => {
  const { paper, panel, line, text, muted, net, app, proxy } = palette;

  test("texts can be read: 4.5 to 1 at least (WCAG 2.2, 1.4.3)", () => {
    for (const ground of [paper, panel]) {
      for (const ink of [text, muted]) expect(contrast(ink, ground)).toBeGreaterThan(4.5);
    }
    for (const tone of [net, app, proxy]) expect(contrast(tone.text, tone.fill)).toBeGreaterThan(4.5);
  });

  test("lines and boxes can be seen: 3 to 1 at least (WCAG 2.2, 1.4.11)", () => {
    for (const edge of [line, net.edge, app.edge, proxy.edge]) {
      for (const ground of [paper, panel]) expect(contrast(edge, ground)).toBeGreaterThan(3);
    }
  });
});

/** By WCAG 2.2's definition of contrast ratio. */
function contrast(a: string, b: string): number {
  const [lighter = 0, darker = 0] = [luminance(a), luminance(b)].sort((x, y) => y - x);
  return (lighter + 0.05) / (darker + 0.05);
}

function luminance(colour: string): number {
  const [red = 0, green = 0, blue = 0] = [1, 3, 5].map((at) => {
    const value = Number.parseInt(colour.slice(at, at + 2), 16) / 255;
    return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}
