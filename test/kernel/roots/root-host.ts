// SPDX-License-Identifier: GPL-2.0-or-later

// The static executables in a root that is not this machine's, and confined as a container runtime confines a pod's
// containers (enter.cc). scripts/roots.mjs makes the roots.

import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";

const repository = join(import.meta.dirname, "../../..");
const folder = join(repository, "build/roots");
const ENTER = join(folder, "enter");

/** "empty" has nothing but mount points; the others are minimal systems of Debian 12 and 13. */
export type RootName = "empty" | "bookworm" | "trixie";

export const rootNames: readonly RootName[] = ["empty", "bookworm", "trixie"];

/** In which root alone all suites of commands are to be run: npm run nightly:roots. */
export const chosenRoot = rootNames.find((name) => name === process.env.SLUICE_ROOT);
if (process.env.SLUICE_ROOT !== undefined && chosenRoot === undefined) {
  throw new Error(`SLUICE_ROOT: "${process.env.SLUICE_ROOT}" is not one of ${rootNames.join(", ")}`);
}

/** As whom a program runs in a root. */
export interface Identity {
  readonly uid: number;
  /** Capabilities, as setpriv spells them. */
  readonly capabilities: readonly string[] | "all";
}

/** What Linkerd's chart gives the init container. */
export const POD: Identity = { uid: 65534, capabilities: ["net_admin", "net_raw"] };
/** A tool of the node's, which may enter the namespaces of its pods. */
export const NODE: Identity = { uid: 0, capabilities: "all" };

/** linux/capability.h */
const BITS: Readonly<Record<string, number>> = { net_admin: 12, net_raw: 13 };

/** What enter.cc takes: which of containerd's two profiles, the user, the bits of the capabilities. */
function confinement({ uid, capabilities }: Identity): [filter: string, uid: string, bits: string] {
  if (capabilities === "all") return [join(folder, "node.bpf"), String(uid), "ffffffffffffffff"];
  const bits = capabilities.reduce((sum, name) => {
    const bit = BITS[name];
    if (bit === undefined) throw new Error(`no bit is known of the capability ${name}`);
    return sum + 2 ** bit;
  }, 0);
  return [join(folder, "pod.bpf"), String(uid), bits.toString(16)];
}

/** The command line that runs a static executable in a root. */
export function inRoot(root: RootName, identity: Identity, program: string): [string, ...string[]] {
  return [ENTER, join(folder, root), ...confinement(identity), program];
}

export const isInRoot = (command: readonly string[]): boolean => command.includes(ENTER);

/** The same command line for another user; undefined: this is none of a root's. */
export function withIdentity(command: readonly string[], identity: Identity): string[] | undefined {
  const at = command.indexOf(ENTER);
  if (at < 0) return undefined;
  return [...command.slice(0, at + 2), ...confinement(identity), ...command.slice(at + 5)];
}

/** Why nothing can run in a root; undefined: it can. */
export function whyNoRoot(root: RootName): string | undefined {
  const note = join(repository, "build/roots-missing.txt");
  if (existsSync(note)) return readFileSync(note, "utf8");
  const missing = ["enter", "pod.bpf", "node.bpf", root].find((name) => !existsSync(join(folder, name)));
  return missing && `build/roots/${missing} is missing; node scripts/roots.mjs ${root} makes it`;
}
