// SPDX-License-Identifier: GPL-2.0-or-later

// build/roots: what test/kernel runs the static executables in, confined as in a container. With names only those roots:
//
//   node scripts/roots.mjs [empty | bookworm | trixie]…
//
// enter runs a program in a root; pod.bpf and node.bpf are what containerd's default profile of seccomp comes to for the
// capabilities of Linkerd's init container, and for all of them. That is what Kubernetes calls RuntimeDefault.

import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { removeTrees } from "./debian/cache.mjs";
import { writeMinbase } from "./debian/minbase.mjs";

const folder = join(import.meta.dirname, "../build/roots");
const sources = join(import.meta.dirname, "../test/kernel/roots");

/** What enter.cc mounts something on. */
const folders = ["dev", "proc", "run", "tmp", "usr/local/bin"];

const makers = {
  empty: () => {},
  bookworm: (root) => unpackMinbase("bookworm", root),
  trixie: (root) => unpackMinbase("trixie", root),
};

/** Without its devices: enter.cc makes some. @param {string} suite @param {string} root */
function unpackMinbase(suite, root) {
  const archive = `${root}.tar`;
  writeMinbase(suite, archive);
  execFileSync("tar", ["-xpf", archive, "-C", root, "--numeric-owner", "--exclude=./dev/*"], {
    stdio: ["ignore", "ignore", "pipe"],
    encoding: "utf8",
  });
  rmSync(archive);
}

/** @param {string} name */
function makeRoot(name) {
  const root = join(folder, name);
  if (existsSync(root)) return;
  const partial = `${root}.partial`;
  removeTrees(partial);
  mkdirSync(partial);
  makers[name](partial);
  for (const path of folders) mkdirSync(join(partial, path), { recursive: true });
  renameSync(partial, root);
}

/** Before something fails with many words, or after waiting. */
function checkPrograms() {
  for (const [file, ...args] of [
    ["containerd", "--version"],
    ["ctr", "--version"],
    ["g++", "--version"],
  ]) {
    if (spawnSync(file, args).error !== undefined) throw new Error(`${file} is missing`);
  }
  if (spawnSync("pkg-config", ["--exists", "libseccomp"]).status !== 0) {
    throw new Error("libseccomp is missing (Debian package libseccomp-dev)");
  }
}

/** @param {string} name @param {string[]} flags */
function compile(name, flags) {
  const output = join(folder, name);
  const source = join(sources, `${name}.cc`);
  if (existsSync(output) && statSync(output).mtimeMs > statSync(source).mtimeMs) return;
  const args = ["-std=c++17", "-O1", "-Wall", "-Wextra", "-Werror", "-o", output, source, ...flags];
  execFileSync("g++", args, { stdio: ["ignore", "ignore", "pipe"], encoding: "utf8" });
}

/** Prints the OCI specification that containerd makes for a container with capabilities; the daemon ends with its namespace. */
const specification = `
containerd --config config.toml >log 2>&1 &
for i in $(seq 200); do if ctr --address "$0" version >/dev/null 2>&1; then break; fi; sleep 0.05; done
ctr --address "$0" container create --seccomp "$@" --rootfs / profile true
exec ctr --address "$0" container info --spec profile
`;

/** @param {string} name @param {string[]} privileges */
function makeFilter(name, privileges) {
  const output = join(folder, name);
  if (existsSync(output)) return;
  const work = mkdtempSync(join(tmpdir(), "sluice-containerd-"));
  try {
    const socket = join(work, "socket");
    const config = [
      "version = 2",
      `root = "${work}/root"`,
      `state = "${work}/state"`,
      'disabled_plugins = ["io.containerd.grpc.v1.cri"]',
      `[grpc]\naddress = "${socket}"\n`,
    ];
    writeFileSync(join(work, "config.toml"), config.join("\n"));
    const own = ["--net", "--mount", "--pid", "--fork", "--kill-child"];
    const input = execFileSync("unshare", [...own, "sh", "-euc", specification, socket, ...privileges], {
      cwd: work,
      stdio: ["ignore", "pipe", "pipe"],
    });
    writeFileSync(`${output}.partial`, execFileSync(join(folder, "filter"), { input }));
    renameSync(`${output}.partial`, output);
  } finally {
    rmSync(work, { recursive: true });
  }
}

try {
  const names = process.argv.slice(2);
  const unknown = names.find((name) => !Object.hasOwn(makers, name));
  if (unknown !== undefined) throw new Error(`${unknown} is not one of ${Object.keys(makers).join(", ")}`);
  checkPrograms();
  mkdirSync(folder, { recursive: true });
  compile("enter", ["-static"]);
  compile("filter", ["-lseccomp"]);
  makeFilter("pod.bpf", ["--cap-add=CAP_NET_ADMIN"]);
  makeFilter("node.bpf", ["--privileged", "--seccomp"]);
  for (const name of names.length === 0 ? Object.keys(makers) : names) makeRoot(name);
} catch (error) {
  const reason = error.code === "ENOENT" ? `${error.path} is missing` : String(error.stderr || error.message);
  console.error(`roots: ${reason.trim()}`);
  process.exitCode = 1;
}
