// SPDX-License-Identifier: GPL-2.0-or-later

import { readFileSync } from "node:fs";

/** What linkerd2-proxy-init left in the kernel, see shared/fixtures/README.md. */
export interface Case {
  readonly id: number;
  readonly mode: "nft" | "legacy";
  /** Arguments for the IPv4 command of the mode, run first: rules of others. */
  readonly pre: readonly string[][];
  readonly runs: readonly string[][];
  readonly codes: readonly number[];
  readonly v4: readonly string[];
  readonly v6: readonly string[];
}

const all: Case[] = JSON.parse(
  readFileSync(new URL("../fixtures/proxy-init-rules.json", import.meta.url), "utf8"),
);

/** The modes, each with its 30 cases. */
export const casesByMode = (["nft", "legacy"] as const).map(
  (mode) => [mode, all.filter((item) => item.mode === mode)] as const,
);
