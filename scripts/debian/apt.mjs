// SPDX-License-Identifier: GPL-2.0-or-later

// What other releases of Debian have, by apt, which checks it, and from the mirror of this machine's own packages.

import { execFileSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** The mirror that this machine's own packages come from. */
export function mirror() {
  const policy = execFileSync("apt-cache", ["policy", "libc6"], {
    encoding: "utf8",
    env: { ...process.env, LC_ALL: "C" },
  });
  const url = /^ +-?\d+ (\S+:\S+) (?!\S*security)\S+\/main \S+ Packages$/m.exec(policy)?.[1];
  if (url === undefined) throw new Error("apt-cache policy libc6 names no package mirror");
  return url;
}

/**
 * Sets up apt for one release, in a folder, as if nothing were installed. Neither the machine's list of sources nor its
 * package lists change.
 *
 * @param {string} folder
 * @param {{ suite: string, type: "deb" | "deb-src" }} source
 * @returns {string[]} the options with which apt-get and apt-cache work on that release; `update` comes first
 */
export function aptOptions(folder, { suite, type }) {
  for (const name of ["lists/partial", "cache/archives/partial"]) {
    mkdirSync(join(folder, name), { recursive: true });
  }
  const sourceList = join(folder, "sources.list");
  writeFileSync(sourceList, `${type} ${mirror()} ${suite} main\n`);
  const status = join(folder, "status");
  writeFileSync(status, "");
  const options = [
    `Dir::Etc::SourceList=${sourceList}`,
    "Dir::Etc::SourceParts=-",
    `Dir::State::Lists=${join(folder, "lists")}`,
    `Dir::State::Status=${status}`,
    `Dir::Cache=${join(folder, "cache")}`,
    "Acquire::Languages=none",
    // Without it, apt wants the folder to belong to its own user.
    "APT::Sandbox::User=root",
  ];
  return ["-q", ...options.flatMap((option) => ["-o", option])];
}
