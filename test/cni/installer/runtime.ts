// SPDX-License-Identifier: GPL-2.0-or-later

/** What a runtime would make of a folder of configurations: libcni's rules, written down a second time. */
export interface RuntimeView {
  /** The types of the plugins of the configuration that it takes; undefined: it has none. */
  readonly types: readonly string[] | undefined;
  /** The name of that. */
  readonly active: string | undefined;
  /** Names of files that it reads and cannot use. */
  readonly broken: readonly string[];
}

/** @param files What is in the folder, by name. */
export function runtimeView(files: ReadonlyMap<string, string>): RuntimeView {
  const names = [...files.keys()].filter((name) => /\.(conf|conflist|json)$/.test(name)).sort();
  const read = names.map((name) => ({ name, types: pluginTypes(name, files.get(name) ?? "") }));
  const usable = read.find(({ types }) => types !== undefined);
  return {
    types: usable?.types,
    active: usable?.name,
    broken: read.filter(({ types }) => types === undefined).map(({ name }) => name),
  };
}

function pluginTypes(name: string, text: string): string[] | undefined {
  try {
    const value = JSON.parse(text);
    if (!name.endsWith(".conflist")) return typeof value.type === "string" ? [value.type] : undefined;
    const types = value.plugins.map(({ type }: { type: unknown }) => type);
    const right = typeof value.name === "string" && types.length > 0;
    return right && types.every((type: unknown) => typeof type === "string") ? types : undefined;
  } catch {
    return undefined;
  }
}
