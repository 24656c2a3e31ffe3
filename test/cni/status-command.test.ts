// SPDX-License-Identifier: GPL-2.0-or-later

import { expect, test } from "vitest";
import { type CallOptions, CONFIG, call, KUBECONFIG, kubeconfig } from "./fake-world.ts";
import { LINKERD } from "./linkerd-config.ts";

const base64 = (value: object) => Buffer.from(JSON.stringify(value)).toString("base64url");
const tokenUntil = (seconds: number) => `e30.${base64({ exp: Math.floor(Date.now() / 1000) + seconds })}.sig`;

const withMode = (mode: string | undefined) => {
  const { "iptables-mode": _, ...linkerd } = LINKERD;
  return { ...CONFIG, linkerd: mode === undefined ? linkerd : { ...linkerd, "iptables-mode": mode } };
};

const status = (options: CallOptions) => call({ command: "STATUS", ...options });

test.each<[string, CallOptions, RegExp]>([
  [
    "no kubeconfig is configured",
    { config: { ...CONFIG, kubernetes: {} } },
    /^kubernetes\.kubeconfig: is missing/,
  ],
  ["the kubeconfig is not there", { files: { [KUBECONFIG]: "" } }, /^kubernetes\.kubeconfig: /],
  ["it says nothing of a user", { files: { [KUBECONFIG]: "{}" } }, /current-context: is missing/],
  [
    "its token has run out",
    { files: { [KUBECONFIG]: kubeconfig({ token: tokenUntil(-5) }) } },
    /its token has run out at .*; the installer writes a new one/,
  ],
  ["there is nothing to redirect", { config: { ...CONFIG, linkerd: undefined } }, /^linkerd: is missing/],
  [
    "the kernel has nothing of mode nft",
    { lacking: ["nf_tables"] },
    /^no usable mode: mode nft: .*match owner: No such/,
  ],
  [
    "the kernel has nothing of mode legacy",
    { config: withMode("legacy"), lacking: ["ip_tables"] },
    /^no usable mode: mode legacy: /,
  ],
  [
    "the kernel has nothing of any mode",
    {
      config: withMode(undefined),
      lacking: ["ip_tables", "nf_tables"],
      core: () => ({ error: { code: "mode-unavailable", detail: "no nf_tables" } }),
    },
    /^no usable mode: mode legacy: .*; mode nft: .*; mode nftables: no nf_tables/,
  ],
])("an ADD would fail: %s", async (_, options, message) => {
  const { code, result, asked, host } = await status(options);
  expect(code).toBe(1);
  expect(result).toMatchObject({ cniVersion: "1.1.0", code: 50 });
  expect(result.msg).toMatch(message);
  expect(asked).toEqual([]);
  expect(host.commits).toEqual([]);
});

test.each<[string, CallOptions]>([
  ["a token that is good for a while", { files: { [KUBECONFIG]: kubeconfig({ token: tokenUntil(60) }) } }],
  ["a token that does not say", { files: { [KUBECONFIG]: kubeconfig({ token: "opaque" }) } }],
  ["a certificate", { files: { [KUBECONFIG]: kubeconfig({}) } }],
  ["no ip_tables, where nobody asks for legacy", { config: withMode(undefined), lacking: ["ip_tables"] }],
  [
    "no x_tables at all, in mode nftables",
    { config: withMode("nftables"), lacking: ["ip_tables", "nf_tables"] },
  ],
  ["no nf_tables, where any mode will do", { config: withMode("plain"), lacking: ["nf_tables"] }],
])("an ADD could be served with %s", async (_, options) => {
  const { code, stdout, asked } = await status(options);
  expect({ code, stdout }).toEqual({ code: 0, stdout: "" });
  expect(asked).toEqual([]);
});
