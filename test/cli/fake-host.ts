// SPDX-License-Identifier: GPL-2.0-or-later

import type { Backend, Host, Signal } from "../../src/host/host.ts";
import type { Rule } from "../../src/ruleset/ruleset.ts";

/** One request to the core, as far as these tests look at it. */
export interface Request {
  op: string;
  netns?: string;
  timeoutMs?: number;
  name?: string;
  value?: string;
  families?: { family: "ipv4" | "ipv6"; required: boolean }[];
  lockFile?: string;
  listen?: { address: string; port: number };
  connect?: { address: string; port: number };
  from?: { address: string; port: number };
  ipv6Only?: boolean;
  hopLimit?: number;
  token?: string;
  questions?: { door: string }[];
  ruleset?: {
    mode: string;
    absentChains: string[];
    baseChains: { name: string; hook: string; jumps: Rule[] }[];
    chains: { name: string; rules: Rule[] }[];
  };
}

/** What the core answers: a reply of docs/core.md. */
export type Core = (request: Request) => unknown;

/** A host that remembers: what was written, in order, and what the core was asked. */
export class FakeHost implements Host {
  readonly args: readonly string[];
  readonly writes: { fd: 1 | 2; text: string }[] = [];
  readonly requests: Request[] = [];
  /** What a signal would do; absent: end the process as any other. */
  signal?: (signal: Signal) => number;
  /** Whether somebody watches. */
  terminal = false;
  readonly #core: Core;

  readonly #env: Readonly<Record<string, string>>;
  readonly #files: Readonly<Record<string, string>>;

  constructor(
    args: readonly string[],
    core: Core = () => new Error("nobody shall ask the core"),
    env: Readonly<Record<string, string>> = {},
    files: Readonly<Record<string, string>> = {},
  ) {
    this.args = args;
    this.#core = core;
    this.#env = env;
    this.#files = files;
  }

  env(name: string): string | undefined {
    return this.#env[name];
  }

  readFile(path: string): string {
    const text = this.#files[path];
    if (text === undefined) throw new Error(`cannot read ${path}: No such file or directory`);
    return text;
  }

  write(fd: 1 | 2, text: string): void {
    this.writes.push({ fd, text });
  }

  isTerminal(): boolean {
    return this.terminal;
  }

  async call(backend: Backend | "any", text: string): Promise<string> {
    const request: Request = JSON.parse(text);
    this.requests.push(request);
    // Node knows the mode by the back end alone, the static executable by the request alone.
    const mode = request.ruleset?.mode;
    if (mode !== undefined && (mode === "nftables" ? "nft" : mode) !== backend)
      throw new Error(`asked ${backend}: ${text}`);
    const reply = this.#core(request);
    if (reply instanceof Error) throw reply;
    return JSON.stringify(reply);
  }

  onSignal(end: (signal: Signal) => number): void {
    this.signal = end;
  }

  /** The requests that change something. */
  get commits(): Request[] {
    return this.requests.filter(({ op }) => op === "commit");
  }

  get stdout(): string {
    return this.#written(1);
  }

  get stderr(): string {
    return this.#written(2);
  }

  #written(wanted: 1 | 2): string {
    return this.writes
      .filter(({ fd }) => fd === wanted)
      .map(({ text }) => text)
      .join("");
  }
}

/** A kernel that takes every ruleset. `absent` families do not exist in it; `changed` says what the commit did. */
export function kernel({
  absent = [],
  changed = true,
  stale = [],
}: {
  absent?: readonly string[];
  changed?: boolean;
  stale?: readonly string[];
} = {}): Core {
  return ({ op, families = [], ruleset }) => {
    if (op === "sysctl") return { ok: { previous: "3600" } };
    const legacyTables = ["ipv4", "ipv6"].map((family) => ({ family, registered: false }));
    if (op === "inspect") {
      const found = families.map(({ family }) => ({
        family,
        present: true,
        changed: false,
        chains: [],
        sets: [],
      }));
      return { ok: { families: found, stale: [], unseen: [], legacyTables, elsewhere: false } };
    }
    const held = (family: "ipv4" | "ipv6", rules: readonly Rule[]) =>
      rules
        .filter((rule) => rule.families.includes(family))
        .map(({ matches, verdict, comment }) => ({ own: true, matches, verdict, comment }));
    return {
      ok: {
        changed,
        stale,
        unseen: [],
        legacyTables,
        elsewhere: false,
        families: families.map(({ family }) =>
          absent.includes(family)
            ? { family, present: false, changed: false, chains: [], sets: [] }
            : {
                family,
                present: true,
                changed,
                sets: [],
                chains: [
                  ...(ruleset?.baseChains ?? []).map(({ name, hook, jumps }) => ({
                    name,
                    hook,
                    policy: "accept",
                    rules: held(family, jumps),
                  })),
                  ...(ruleset?.chains ?? []).map(({ name, rules }) => ({ name, rules: held(family, rules) })),
                ],
              },
        ),
      },
    };
  };
}

/** A core that answers with one error. */
export function failing(error: Record<string, unknown>): Core {
  return () => ({ error });
}

/** The flags that every run needs. */
export const PORTS = ["--incoming-proxy-port", "4143", "--outgoing-proxy-port", "4140"] as const;
/** The smallest run without a warning, in the mode there is. */
export const MINIMAL = [...PORTS, "--proxy-uid", "2102", "--iptables-mode", "nft"] as const;
