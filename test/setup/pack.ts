// SPDX-License-Identifier: GPL-2.0-or-later

// One tarball of `npm pack` for all tests of the tier `package`.

import { execFileSync } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import type { TestProject } from "vitest/node";
import { reasons } from "./tiers.ts";

declare module "vitest" {
  interface ProvidedContext {
    /** The file. */
    tarball: string;
  }
}

/** Without what npm, the runner of the tests and CI have put there for this run. */
export function cleanEnvironment(): NodeJS.ProcessEnv {
  const own =
    /^npm_(lifecycle|package|command|execpath)|^(INIT_CWD|NODE_ENV|NODE_OPTIONS|VITEST.*|SLUICE_ALL_TIERS)$/;
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !own.test(name)));
}

export default function pack({ provide }: TestProject): (() => void) | undefined {
  if (reasons.package !== undefined) return undefined;
  const directory = mkdtempSync(path.join(tmpdir(), "sluice-pack-"));
  const repository = path.join(import.meta.dirname, "../..");
  execFileSync("npm", ["pack", "--pack-destination", directory], {
    cwd: repository,
    env: cleanEnvironment(),
    stdio: ["ignore", "ignore", "pipe"],
    encoding: "utf8",
  });
  const tarball = readdirSync(directory).find((name) => name.endsWith(".tgz"));
  if (tarball === undefined) throw new Error("npm pack has made no tarball");
  provide("tarball", path.join(directory, tarball));
  return () => rmSync(directory, { recursive: true });
}
