// SPDX-License-Identifier: GPL-2.0-or-later

import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";

/**
 * Modules with all that they depend on, in the order in which insmod takes them.
 *
 * @throws {Error} for one that the folder does not have.
 */
export function withDependencies(folder: string, names: readonly string[]): string[] {
  const order: string[] = [];
  const visit = (name: string): void => {
    if (order.includes(name)) return;
    dependencies(folder, name).forEach(visit);
    order.push(name);
  };
  names.forEach(visit);
  return order;
}

export function moduleFile(folder: string, name: string): string {
  const path = join(folder, `${name}.ko`);
  if (!existsSync(path)) throw new Error(`no module ${name} in ${folder}`);
  return path;
}

/** As the module itself says, in its section .modinfo. */
function dependencies(folder: string, name: string): string[] {
  const list = /\0depends=([^\0]*)\0/.exec(readFileSync(moduleFile(folder, name), "latin1"))?.[1] ?? "";
  return list.split(",").filter((dependency) => dependency !== "");
}
