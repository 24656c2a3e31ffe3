// SPDX-License-Identifier: GPL-2.0-or-later

// Bundles the demo into build/demo and runs it, with sudo when not root: making network namespaces needs it.

import { spawnSync } from "node:child_process";
import { constants } from "node:os";
import { join } from "node:path";
import { build, stop } from "esbuild";

const root = join(import.meta.dirname, "..");
await build({
  absWorkingDir: root,
  entryPoints: { demo: "examples/demo/main.ts", proxy: "examples/transparent-proxy/proxy.ts" },
  outdir: "build/demo",
  outExtension: { ".js": ".mjs" },
  bundle: true,
  platform: "node",
  format: "esm",
  target: "node20",
  external: ["bindings"],
  logLevel: "warning",
});
await stop();
const command = [process.execPath, join(root, "build/demo/demo.mjs")];
if (process.getuid() !== 0) command.unshift("sudo");
// Ctrl-C goes to the demo, too, which cleans up and says how it ended.
process.on("SIGINT", () => {});
const { status, signal, error } = spawnSync(command[0], command.slice(1), { stdio: "inherit" });
if (error) console.error(`demo: cannot start ${command[0]}: ${error.message}`);
process.exitCode = status ?? (signal === null ? 1 : 128 + constants.signals[signal]);
