// SPDX-License-Identifier: GPL-2.0-or-later

import { existsSync, readFileSync } from "node:fs";
import path from "node:path";

const repository = path.join(import.meta.dirname, "../..");

/** Network namespaces need CAP_SYS_ADMIN, netfilter CAP_NET_ADMIN: both come with root. */
export const root = process.getuid?.() === 0;

/** Why the static executables are not there, or not those of these sources. */
function whyNoStandalone(): string | undefined {
  const note = path.join(repository, "build/standalone-missing.txt");
  if (existsSync(note)) return readFileSync(note, "utf8");
  const names = ["proxy-init", "network-validator", "sluice", "sluice-cni"];
  const executables = [...names.map((name) => `dist/standalone/${name}`), "build/probe/probe"];
  const missing = executables.find((file) => !existsSync(path.join(repository, file)));
  return missing && `${missing} is missing; npm run build:standalone makes it`;
}

const noStandalone = whyNoStandalone();

/** Whether scripts/standalone.mjs has built the static executables. */
export const standaloneBuilt = noStandalone === undefined;

/** The releases of Debian whose kernels and tools the tests use, see scripts/releases.mjs. */
export const releases = ["bullseye", "bookworm", "trixie"] as const;
export type Release = (typeof releases)[number];

function whyNoReleases(): string | undefined {
  const note = path.join(repository, "build/releases-missing.txt");
  if (existsSync(note)) return readFileSync(note, "utf8");
  const missing = releases.find((release) => !existsSync(path.join(repository, "build/releases", release)));
  return missing && `build/releases/${missing} is missing; node scripts/releases.mjs fetches it`;
}

/** Why there are no kernels and tools of other releases of Debian; undefined: there are. */
export const noReleases = whyNoReleases();

export function hasProgram(name: string): boolean {
  return (process.env.PATH ?? "").split(":").some((folder) => existsSync(path.join(folder, name)));
}

function whyNoMachines(): string | undefined {
  if (process.arch !== "x64") return "virtual machines are made on x86-64 alone";
  if (!hasProgram("qemu-system-x86_64")) {
    return "qemu-system-x86_64 is missing (Debian package qemu-system-x86)";
  }
  return noReleases ?? noStandalone;
}

const noMachines = whyNoMachines();

/** The package's addons are built in a root of Debian 11, for both architectures (scripts/prebuild.mjs). */
function whyNoPackage(): string | undefined {
  if (!root) return "not root: the package's addons are built in a root of Debian 11";
  if (process.arch !== "x64") return "the package is tried on x86-64, and arm64 emulated there";
  const note = path.join(repository, "build/nodes-missing.txt");
  if (existsSync(note)) return readFileSync(note, "utf8");
  const wanted = ["mmdebstrap", "qemu-aarch64-static"].find((program) => !hasProgram(program));
  if (wanted !== undefined) return `${wanted} is missing`;
  return existsSync(path.join(repository, "build/nodes"))
    ? undefined
    : "build/nodes is missing; node scripts/nodes.mjs fetches it";
}

const noPackage = whyNoPackage();

/** The programs that test/container needs, and Debian's packages of them where those have other names. */
const engine = { podman: "podman", runc: "runc", containerd: "containerd", getcap: "libcap2-bin" };

function whyNoContainers(): string | undefined {
  if (!root) return "not root: containers are made in namespaces of their own";
  const missing = Object.entries(engine).find(([name]) => !hasProgram(name));
  if (missing !== undefined) return `${missing[0]} is missing (Debian package ${missing[1]})`;
  const note = path.join(repository, "build/containers-missing.txt");
  if (existsSync(note)) return readFileSync(note, "utf8");
  if (!existsSync(path.join(repository, "build/containers/debian.tar"))) {
    return "build/containers/debian.tar is missing; node scripts/containers.mjs makes it";
  }
  return noReleases;
}

const noContainers = whyNoContainers();

/** What the harnesses of test/torture put under load and break by strace. */
function whyNoTorture(): string | undefined {
  if (!root) return "not root: network namespaces need it";
  return hasProgram("strace") ? noStandalone : "strace is missing";
}

const noTorture = whyNoTorture();

export type Tier = "unit" | "kernel" | "standalone" | "torture" | "package" | "vm" | "container";

/** What each tier holds. What is in none of the others is in `unit`, so that no test is left out. */
export const folders: Readonly<Record<Exclude<Tier, "unit">, readonly string[]>> = {
  kernel: ["kernel", "testing", "proxy", "docs"],
  standalone: ["standalone"],
  torture: ["torture"],
  package: ["package"],
  vm: ["vm"],
  container: ["container"],
};

/** Why the tests of a tier cannot run here; absent: they can. */
export const reasons: Readonly<Partial<Record<Tier, string>>> = {
  ...(root ? {} : { kernel: "not root: network namespaces need it" }),
  ...(noStandalone === undefined ? {} : { standalone: noStandalone }),
  ...(noTorture === undefined ? {} : { torture: noTorture }),
  ...(noPackage === undefined ? {} : { package: noPackage }),
  ...(noMachines === undefined ? {} : { vm: noMachines }),
  ...(noContainers === undefined ? {} : { container: noContainers }),
};
