// SPDX-License-Identifier: GPL-2.0-or-later

import type { Family, Mode } from "../../policy/policy.ts";
import type { Table } from "../ruleset.ts";
import type { Condition } from "./conditions.ts";

export type Direction = "inbound" | "outbound";

/**
 * Where a connection goes on. "unchanged": where it was going, past the proxy. "accept": the same, and no later chain sees it.
 */
export type Outcome =
  | { readonly type: "unchanged" }
  | { readonly type: "accept" }
  | { readonly type: "proxy"; readonly port: number }
  | { readonly type: "chain"; readonly name: string };

/** A question that is asked of a connection. */
export interface Decision {
  /** The rule's place in its chain, from 1. Undefined: no rule, but what is left when all have been asked. */
  readonly number: number | undefined;
  readonly conditions: readonly Condition[];
  /** The one family of those on this way that it is about; undefined: all of them. */
  readonly only: Family | undefined;
  /** False where earlier rules take everything. */
  readonly reached: boolean;
  /** The rule in the words of iptables or nft; empty when there is none. */
  readonly rule: string;
}

/** Decisions that follow one another and come to the same. */
export interface Run {
  readonly outcome: Outcome;
  readonly decisions: readonly Decision[];
}

/** How connections come into a chain of ours: from a chain that the kernel enters by itself. */
export interface Entrance {
  readonly chain: string;
  readonly priority: number;
  readonly conditions: readonly Condition[];
  /** As in {@link Decision}. */
  readonly rule: string;
}

/** The way of one direction's connections. The first decision that applies counts. */
export interface Way {
  readonly direction: Direction;
  /** Whose connections come this way. */
  readonly families: readonly Family[];
  readonly entrance: Entrance;
  readonly chain: string;
  readonly runs: readonly Run[];
}

/** What a picture of a ruleset shows. Plain data: the writers of SVG and Mermaid draw it, each in its own way. */
export interface Ways {
  readonly mode: Mode;
  readonly tables: readonly Table[];
  readonly ways: readonly Way[];
  /** Directions whose connections meet no rule of ours. */
  readonly untouched: readonly Direction[];
}
