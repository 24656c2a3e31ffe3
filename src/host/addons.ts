// SPDX-License-Identifier: GPL-2.0-or-later

import { closeSync, existsSync, openSync, readSync } from "node:fs";
import path from "node:path";
import bindings from "bindings";
import { NetfilterError } from "../kernel/error.ts";

export type AddonName = "nft" | "legacy" | "socket";

// src/host in a checkout, dist/host in the package, dist/bin where esbuild has inlined this file (there
// import.meta.dirname is __dirname): each is two levels below the root.
const PACKAGE_ROOT = path.join(import.meta.dirname, "..", "..");

/** Where each shared library comes from. apk finds a package by the name of the library that it provides. */
const LIBRARIES = [
  { prefix: "libnftnl.so", debian: "libnftnl11", alpine: "libnftnl" },
  { prefix: "libmnl.so", debian: "libmnl0", alpine: "libmnl" },
  { prefix: "libip4tc.so", debian: "libip4tc2", alpine: "so:libip4tc.so.2" },
  { prefix: "libip6tc.so", debian: "libip6tc2", alpine: "so:libip6tc.so.2" },
  { prefix: "libstdc++.so", debian: "libstdc++6", alpine: "libstdc++" },
] as const;

/**
 * Loads a native addon: the prebuilt one of the package, else the one that was built in place. Loading it again is cheap.
 *
 * @returns What the addon exports. Callers check its shape.
 * @throws {@link NetfilterError} with code `addon-unavailable`: with every path that was tried, or with the package
 *   that brings the shared library it lacks.
 * @example
 * const socket: unknown = loadAddon("socket");
 */
export function loadAddon(name: AddonName): unknown {
  const directories = [
    ["prebuilds", `linux-${process.arch}-${usesMusl() ? "musl" : "glibc"}`],
    ["build", "Release"],
    ["build", "Debug"],
  ];
  try {
    // module_root keeps `bindings` from guessing it by the stack's file names, which are other ones in a bundle.
    const loaded: unknown = bindings({
      bindings: name,
      module_root: PACKAGE_ROOT,
      try: directories.map((directory) => ["module_root", ...directory, "bindings"]),
    });
    return loaded;
  } catch (error) {
    const files = directories.map((directory) => path.join(PACKAGE_ROOT, ...directory, `${name}.node`));
    throw explain(name, files, error);
  }
}

function explain(name: AddonName, files: readonly string[], cause: unknown): NetfilterError {
  const found = files.find((file) => existsSync(file));
  if (found === undefined) {
    const tried = `tried ${files.join(", ")}`;
    const fix =
      "in a checkout, build it with: npm run build; of the package: npm explore sluice -- npx node-gyp rebuild";
    const message = `the addon "${name}" is missing: ${tried}; ${fix}`;
    return new NetfilterError(message, { code: "addon-unavailable", cause });
  }
  const reason = cause instanceof Error ? cause.message : String(cause);
  const message = `cannot load the addon ${found}: ${reason.trim()}`;
  // dlopen has no error codes: the name of the library stands in its text only.
  const library = LIBRARIES.find(({ prefix }) => reason.includes(prefix) && !reason.includes("version `"));
  const fix =
    library && `; install it with: apt-get install ${library.debian} (Alpine: apk add ${library.alpine})`;
  return new NetfilterError(message + (fix ?? ""), { code: "addon-unavailable", cause });
}

/**
 * Whether this Node runs on musl: by the ELF interpreter that its executable names, at the start of the file. Asking
 * process.report costs milliseconds, and /lib/ld-musl-* also exists where musl is merely installed.
 */
function usesMusl(): boolean {
  let descriptor: number | undefined;
  try {
    descriptor = openSync(process.execPath, "r");
    const start = Buffer.alloc(4096);
    return start.toString("latin1", 0, readSync(descriptor, start)).includes("/ld-musl-");
  } catch {
    return false; // not readable: glibc is the likelier one, and the error of a wrong guess lists its path
  } finally {
    if (descriptor !== undefined) closeSync(descriptor);
  }
}
