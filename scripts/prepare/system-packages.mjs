// SPDX-License-Identifier: GPL-2.0-or-later

// What the project needs of the system, by the names of Debian and Ubuntu. Each entry also says how to see that it is
// there when it came by another way, or on another distribution.

import { spawnSync } from "node:child_process";
import { existsSync, readFileSync, realpathSync } from "node:fs";
import { join } from "node:path";
import { headersOfNode } from "./node.mjs";
import { run, say, succeeds } from "./run.mjs";

/**
 * @typedef {object} SystemPackage
 * @property {string} name     of the Debian package
 * @property {string} provides what of it is needed
 * @property {() => boolean} present
 * @property {string} [without] what cannot be done without it; absent: nothing can
 */

/** @returns {SystemPackage} */
function command(name, executable = name, without = undefined) {
  const folders = [...(process.env.PATH ?? "").split(":"), "/usr/sbin", "/sbin"];
  const present = () => folders.some((folder) => folder !== "" && existsSync(join(folder, executable)));
  return { name, provides: `the program ${executable}`, present, without };
}

/** @returns {SystemPackage} */
function library(name, module) {
  const present = () => succeeds("pkg-config", ["--exists", module]);
  return { name, provides: `what pkg-config calls ${module}`, present };
}

/** @returns {SystemPackage} */
function header(name, path) {
  return { name, provides: path, present: () => existsSync(join("/usr/include", path)) };
}

function operatingSystem() {
  const text = existsSync("/etc/os-release") ? readFileSync("/etc/os-release", "utf8") : "";
  const field = (name) => new RegExp(`^${name}="?([^"\n]*)`, "m").exec(text)?.[1] ?? "";
  return {
    id: field("ID"),
    codename: field("VERSION_CODENAME"),
    debianLike: existsSync("/usr/bin/dpkg-query"),
  };
}

/** Debian's own nodejs comes without headers; every other build of Node brings them, or node-gyp downloads them. */
function nodeHeaders() {
  const version = spawnSync("dpkg-query", ["-W", "-f=$" + "{Version}", "nodejs"], {
    encoding: "utf8",
  }).stdout;
  const debians = realpathSync(process.execPath) === "/usr/bin/node" && /dfsg/.test(version ?? "");
  if (!debians) return [];
  const present = () => headersOfNode() !== undefined;
  return [{ name: "libnode-dev", provides: "Node's headers", present }];
}

/** The static executables are compiled on Debian 13, or in a root of it that mmdebstrap makes (scripts/standalone). */
function standalone() {
  const without = "the static executables are not built";
  const { id, codename } = operatingSystem();
  const unpack = command("xz-utils", "xz", without); // the source packages
  if (codename === "trixie") {
    const headers = [
      header("libquickjs", "quickjs/quickjs.h"),
      header("libssl-dev", "openssl/ssl.h"),
      header("libc-ares-dev", "ares.h"),
    ];
    const changes = command("patch", "patch", without); // those of Debian to libcurl
    return [...headers.map((each) => ({ ...each, without })), changes, unpack];
  }
  return id === "debian" ? [command("mmdebstrap", "mmdebstrap", without), unpack] : [];
}

/** The engines of test/container. They come with services, so a developer who wants them installs them. */
function containers() {
  const without = "tests in containers are skipped";
  return [
    command("podman", "podman", without),
    command("runc", "runc", without),
    command("containerd", "containerd", without),
    command("catatonit", "catatonit", without),
    {
      name: "containernetworking-plugins",
      provides: "/usr/lib/cni/bridge",
      present: () => existsSync("/usr/lib/cni/bridge"),
      without,
    },
    command("mmdebstrap", "mmdebstrap", without),
    { ...library("libseccomp-dev", "libseccomp"), without: "tests in other roots are skipped" },
  ];
}

const sets = {
  build: () => [
    command("g++"),
    command("make"),
    command("pkg-config"),
    command("python3"),
    library("libnftnl-dev", "libnftnl"),
    library("libmnl-dev", "libmnl"),
    library("libip4tc-dev", "libip4tc"),
    library("libip6tc-dev", "libip6tc"),
    library("rapidjson-dev", "RapidJSON"),
    ...nodeHeaders(),
  ],
  test: () => [
    command("iptables", "iptables-nft-save", "tests that compare with iptables fail"),
    command("nftables", "nft", "tests that compare with nft fail"),
    command("openssl", "openssl", "tests of HTTPS fail"),
    command("git", "git", "tests of a release fail"),
    command("iproute2", "ip", "tests of routes and sockets fail"),
    command("procps", "ps", "tests of processes fail"),
    command("strace", "strace", "tests that count system calls fail"),
    command("cmake", "cmake", "tests under the sanitizers are skipped"),
    command("util-linux", "unshare", "tests that start programs in a namespace fail"),
    // Ubuntu has no such package, and apt-get would install none of the others then.
    ...(operatingSystem().id === "debian"
      ? [command("kubernetes-client", "kubectl", "tests of deploy are skipped")]
      : []),
    command("libcap2-bin", "setcap", "tests of file capabilities are skipped"),
    ...(process.arch === "x64"
      ? [
          command("qemu-system-x86", "qemu-system-x86_64", "tests in virtual machines are skipped"),
          command("qemu-user-static", "qemu-aarch64-static", "tests of the package are skipped"),
          command("mmdebstrap", "mmdebstrap", "tests of the package are skipped"),
        ]
      : []),
    ...standalone(),
  ],
  ci: () => [
    command("clang-format"),
    command("clang-tidy"),
    command("clang", "clang++", "the fuzzers are not built"),
    {
      name: "libclang-rt-dev",
      provides: "libFuzzer",
      // Which release of clang there is, and where it has it, clang knows.
      present: () => existsSync("/usr/share/doc/libclang-rt-dev"),
      without: "the fuzzers are not built",
    },
    header("doctest-dev", "doctest/doctest.h"),
    command("valgrind", "valgrind", "the tests that count instructions are skipped, torture's under it fail"),
    ...containers(),
  ],
};

/** @param {(keyof typeof sets)[]} names @returns {SystemPackage[]} */
export function packagesFor(names) {
  return names.flatMap((name) => sets[name]());
}

/** @param {SystemPackage[]} packages */
function missing(packages) {
  const format = "$" + "{db:Status-Status} $" + "{Package}\n";
  const names = packages.map(({ name }) => name);
  const { stdout } = spawnSync("dpkg-query", ["-W", `-f=${format}`, ...names], { encoding: "utf8" });
  const installed = new Set((stdout ?? "").split("\n"));
  return packages.filter(({ name, present }) => !installed.has(`installed ${name}`) && !present());
}

/** What has to stand before a command that needs root; undefined when there is no way. */
function asRoot() {
  if (process.getuid() === 0) return [];
  // sudo asks for a password on the terminal, so there must be one, unless it needs none.
  if (succeeds("sudo", ["-n", "true"]) || (process.stdin.isTTY && succeeds("sudo", ["-V"]))) return ["sudo"];
  return undefined;
}

/** @param {string[]} prefix @param {string[]} names */
function install(prefix, names) {
  say(`installs ${names.join(" ")} (apt-get${prefix.length > 0 ? ", by sudo" : ""})`);
  const aptGet = (...args) => {
    const [file, ...rest] = [...prefix, "env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "-q", "-y"];
    return run(file, [...rest, "-o", "DPkg::Lock::Timeout=300", ...args]);
  };
  let update = "";
  try {
    aptGet("update");
  } catch (error) {
    update = `\n${error.message}`; // one source that fails does not matter if the others have the packages
  }
  try {
    aptGet("install", "--no-install-recommends", ...names);
  } catch (error) {
    throw new Error(error.message + update);
  }
}

/**
 * Installs the packages that are missing, on Debian and Ubuntu, as root or by sudo. Else says what is missing, and
 * throws if nothing can be built without it.
 *
 * @param {SystemPackage[]} packages @param {{ installs: boolean }} purpose
 */
export function ensurePackages(packages, { installs }) {
  let absent = missing(packages);
  if (absent.length === 0) return;
  const prefix = asRoot();
  if (installs && operatingSystem().debianLike && prefix !== undefined) {
    install(
      prefix,
      absent.map(({ name }) => name),
    );
    absent = missing(packages);
  }
  for (const { name, provides, without } of absent.filter((each) => each.without)) {
    say(`${name} is missing (${provides}): ${without}`);
  }
  const needed = absent.filter(({ without }) => without === undefined);
  if (needed.length === 0) return;
  const list = needed.map(({ name, provides }) => `  ${name}: ${provides}`).join("\n");
  const how = operatingSystem().debianLike
    ? `install them with: apt-get install ${needed.map(({ name }) => name).join(" ")}`
    : "these are Debian's names; install what this system calls them";
  throw new Error(`missing on this system:\n${list}\n${how}`);
}
