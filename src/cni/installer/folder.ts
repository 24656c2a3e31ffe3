// SPDX-License-Identifier: GPL-2.0-or-later

import { FileError, type Files, isTemporary } from "../../host/files.ts";
import { isConfigurationName } from "./configuration.ts";

/** A file of the folder of configurations. */
export interface FoundFile {
  readonly mode: number;
  readonly version: string;
  /** Where it stands: another path than that of its name if that is a symbolic link. */
  readonly path: string;
  readonly content: Content;
}

/** What a file holds, or why nobody can say. */
export type Content = { readonly text: string } | { readonly problem: string };

/** What of a folder concerns the installer, as plain data. */
export interface Folder {
  /** What runtimes read, and what {@link savedName} and {@link spareName} name, by name. */
  readonly files: ReadonlyMap<string, FoundFile>;
  /** What was being written when an installer was interrupted. */
  readonly temporary: readonly string[];
}

/** Longer than any configuration, and short enough to be edited. */
const LONGEST = 1 << 20;

/** A configuration that is no list is kept under this name, which no runtime reads, while a list stands in its place. */
export function savedName(name: string): string {
  return `${name}.sluice-saved`;
}

/** The same, while what is kept is replaced: the text that a list was made of is always under one of the two names. */
export function spareName(name: string): string {
  return `${name}.sluice-spare`;
}

/** The name under which a saved file was found; undefined for other files. */
export function originalName(name: string): string | undefined {
  const original = name.replace(/\.sluice-(?:saved|spare)$/, "");
  return original !== name && /\.(conf|json)$/.test(original) ? original : undefined;
}

/**
 * Looks at the folder.
 *
 * @param prefix Where the node's own root is, below which the absolute targets of links are.
 */
export function lookAtFolder(files: Files, folder: string, prefix: string): Folder {
  const names = files.list(folder);
  const found = new Map<string, FoundFile>();
  for (const name of names) {
    if (!isConfigurationName(name) && originalName(name) === undefined) continue;
    const file = lookAtFile(files, `${folder}/${name}`, prefix);
    if (file !== undefined) found.set(name, file);
  }
  return { files: found, temporary: names.filter(isTemporary) };
}

/** undefined for folders, which runtimes pass over, and for what has gone meanwhile. */
function lookAtFile(files: Files, name: string, prefix: string): FoundFile | undefined {
  const first = files.status(name);
  if (first === undefined || first.kind === "folder") return undefined;
  const { path, problem } =
    first.kind === "link" ? follow(files, name, prefix) : { path: name, problem: "is no file" };
  const status = path === name ? first : files.status(path);
  if (status === undefined) return { mode: 0, version: first.version, path, content: { problem } };
  const { mode, version, kind } = status;
  if (kind !== "file") return { mode, version, path, content: { problem } };
  try {
    return { mode, version, path, content: { text: files.read(path, LONGEST) } };
  } catch (error) {
    if (!(error instanceof FileError)) throw error;
    if (error.code === "ENOENT") return undefined;
    return { mode, version, path, content: { problem: error.message } };
  }
}

/** Where a link leads on the node. Only its last part may be a link, which is all that the kernel does not resolve by itself. */
function follow(files: Files, name: string, prefix: string): { path: string; problem: string } {
  let path = name;
  for (let links = 0; links < 40; links++) {
    const status = files.status(path);
    if (status === undefined)
      return { path, problem: `is a symbolic link to ${path}, which cannot be seen from here` };
    if (status.kind !== "link") return { path, problem: `is a symbolic link to ${path}, which is no file` };
    const target = files.readLink(path);
    path = target.startsWith("/") ? prefix + target : `${path.slice(0, path.lastIndexOf("/"))}/${target}`;
  }
  return { path: name, problem: "is a symbolic link that leads to itself" };
}
