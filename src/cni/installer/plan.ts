// SPDX-License-Identifier: GPL-2.0-or-later

import { type Configuration, listOf, withEntry } from "./configuration.ts";
import type { Entry } from "./entry.ts";
import { type Folder, savedName } from "./folder.ts";
import { compareNames, type Foreign, foreignView, listNames, textOf } from "./foreign.ts";

/** Puts a file in the place of another, or of none. */
export interface Write {
  readonly kind: "write";
  /** Whether it puts the entry in, or takes it out, or keeps a file that a list is to stand for. */
  readonly purpose: "add" | "restore" | "save";
  readonly name: string;
  /** Where the file stands, if its name is a symbolic link. */
  readonly path?: string;
  readonly text: string;
  readonly mode: number;
  /** The version of what is replaced, or "absent". */
  readonly expected: string;
}

/** How a file was found, which it still has to be when something is done with it. */
export interface Expected {
  readonly path?: string;
  /** "absent": there was none. */
  readonly version: string;
}

/** A change of the folder. Each is done whole or not at all, and a power cut between any two leaves a folder that works. */
export type Action =
  | Write
  | {
      readonly kind: "rename";
      readonly from: string;
      readonly to: string;
      /** Of the one that others may write. */
      readonly expected: Expected & { readonly name: string };
      readonly beside?: string;
    }
  | {
      readonly kind: "remove";
      readonly name: string;
      readonly expected?: Expected | undefined;
      /** What has to be there: others may take it away, and so may another installer where folders have no locks. */
      readonly beside?: string;
    };

/** What is to be done about a folder. */
export interface Plan {
  readonly actions: readonly Action[];
  /** The configuration that a runtime takes, by the name that others gave it; undefined: there is none, or nobody can say. */
  readonly active: string | undefined;
  /** Why there is none, on one line. */
  readonly reason: string;
  /** Whether that is an error, and not only somebody else's turn. */
  readonly blocked: boolean;
  /** Files before the active one that runtimes cannot use, with the reasons: some runtimes pass over them, and some give up. */
  readonly unusable: readonly string[];
}

/**
 * What has to be done so that the active configuration has the entry, and nothing else is ours. The active one is the first by name that
 * runtimes can use, if all that is ours is left out of account.
 *
 * @param type The entry's; also of the entries of earlier installations.
 * @param entry undefined: nothing at all shall be ours.
 */
export function planFolder(folder: Folder, type: string, entry: Entry | undefined): Plan {
  const { files, superseded } = foreignView(folder, type);
  const choice = chooseActive(files);
  const nothing = { actions: [], active: undefined, blocked: true, unusable: choice.unusable };
  // Which one is active does not matter where all is taken out.
  if (choice.blocked && entry !== undefined) return { ...nothing, reason: choice.reason };
  const active = entry === undefined ? undefined : choice.active;
  const others = files.filter((each) => each !== active);
  const added = active === undefined || entry === undefined ? [] : add(folder, active, others, entry);
  if (added === undefined) {
    return { ...nothing, reason: `${active?.name}: there is no free name for the list in its place` };
  }
  // By a saved file the list in its place is known, so it goes last; unless it is overwritten by what is saved now.
  const overwritten = added.map((action) => (action.kind === "rename" ? action.to : ""));
  const useless = superseded.filter((name) => !overwritten.includes(name));
  const remove = (name: string): Action => ({ kind: "remove", name });
  // Another installer may keep an original under that name by now, where folders have no locks.
  const removeSaved = (name: string): Action => {
    const found = folder.files.get(name);
    return textOf(found) === undefined ? remove(name) : { kind: "remove", name, expected: found };
  };
  return {
    actions: [
      ...folder.temporary.map(remove),
      ...added,
      ...others.flatMap((each) => restore(folder, each)),
      ...useless.map(removeSaved),
    ],
    active: active?.name,
    reason: choice.reason,
    blocked: false,
    unusable: choice.unusable,
  };
}

interface Choice {
  readonly active?: Foreign;
  readonly blocked: boolean;
  readonly reason: string;
  readonly unusable: readonly string[];
}

function chooseActive(files: readonly Foreign[]): Choice {
  const unusable: string[] = [];
  for (const each of files) {
    if (each.configuration.kind !== "unusable") return { active: each, blocked: false, reason: "", unusable };
    const reason = `${each.name} ${each.configuration.reason}`;
    // A runtime may see more of it than this process, and take it: then the entry would be in the wrong file.
    if (each.text === undefined) return { blocked: true, reason, unusable };
    unusable.push(reason);
  }
  const [first] = unusable;
  const reason =
    first === undefined
      ? "there is no CNI configuration yet"
      : `there is no CNI configuration that can be used: ${first}`;
  return { blocked: false, reason, unusable };
}

/** undefined: there is no place for it. */
function add(
  folder: Folder,
  active: Foreign,
  others: readonly Foreign[],
  entry: Entry,
): Action[] | undefined {
  const { name, file, configuration, saved, keepAs } = active;
  if (configuration.kind === "list") {
    const wanted = withEntry(textOf(file) ?? "", entry);
    return rewrite(active, wanted, "add");
  }
  if (configuration.kind !== "single") return undefined;
  const list = active.list ?? freeName(folder, active, others);
  if (list === undefined) return undefined;
  const { mode } = file;
  const original = active.text ?? "";
  const put = (purpose: Write["purpose"], where: string, text: string): Action[] => {
    const there = folder.files.get(where);
    if (textOf(there) === text) return [];
    return [{ kind: "write", purpose, name: where, text, mode, expected: there?.version ?? "absent" }];
  };
  const expected = { name, path: file.path, version: file.version };
  return [
    // By it the list is known again should somebody write the original before that is renamed.
    ...(keepAs === undefined ? [] : put("save", keepAs, original)),
    ...put("add", list, withEntry(listOf(configuration, original), entry)),
    // Until then runtimes take the original, or the list where that is first by name: both are right.
    ...(saved === undefined
      ? [{ kind: "rename", from: name, to: savedName(name), expected, beside: list } as const]
      : []),
    ...(keepAs === undefined || keepAs === savedName(name)
      ? []
      : [{ kind: "remove", name: keepAs } as const]),
  ];
}

function rewrite({ name, file }: Foreign, text: string, purpose: Write["purpose"]): Action[] {
  if (textOf(file) === text) return [];
  const { path, mode, version } = file;
  return [{ kind: "write", purpose, name, path, text, mode, expected: version }];
}

/** One that comes before everything else that a runtime could take. */
function freeName({ files }: Folder, { name }: Foreign, others: readonly Foreign[]): string | undefined {
  const rivals = others.filter(({ configuration }) => isUsable(configuration));
  return listNames(name).find(
    (candidate) => !files.has(candidate) && rivals.every((rival) => compareNames(candidate, rival.name) < 0),
  );
}

function isUsable({ kind }: Configuration): boolean {
  return kind !== "unusable";
}

function restore({ files }: Folder, each: Foreign): Action[] {
  const { name, configuration, text, list, saved } = each;
  if (configuration.kind === "list") return text === undefined ? [] : rewrite(each, text, "restore");
  const absent = { name, version: "absent" };
  const made = list === undefined ? undefined : files.get(list);
  return [
    // The original first: without it there would be no configuration for a moment.
    ...(saved === undefined ? [] : [{ kind: "rename", from: saved, to: name, expected: absent } as const]),
    ...(list === undefined || made === undefined
      ? []
      : [{ kind: "remove", name: list, expected: made, beside: name } as const]),
  ];
}
