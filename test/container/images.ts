// SPDX-License-Identifier: GPL-2.0-or-later

// The images of the tests, made without a registry.

import { execFile } from "node:child_process";
import {
  appendFileSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { homedir } from "node:os";
import path from "node:path";
import { promisify } from "node:util";
import type { Room } from "./room/room.ts";

const repository = path.join(import.meta.dirname, "../..");
const folder = path.join(repository, "build/containers");
const execute = promisify(execFile);

const run = async (file: string, ...args: string[]) => {
  const { stdout } = await execute(file, args, { cwd: repository, maxBuffer: 64 << 20 });
  return stdout;
};

/** What the tests run beside sluice: busybox. Also what a sandbox's first process is. */
export const appImage = "localhost/app:test";
export const sandboxImage = "localhost/sandbox:test";
/** Does nothing, as quickly as a container can. */
export const trueImage = "localhost/true:test";
export const images = {
  image: "localhost/sluice:test",
  tools: "localhost/sluice:tools",
  cni: "localhost/sluice:cni",
} as const;

/** Whether what takes minutes longer is made, too: npm run nightly:images. */
export const nightly = process.env.SLUICE_NIGHTLY_IMAGES === "1";
export const nightlyImages = {
  node: "localhost/sluice:node",
  arm64: "localhost/sluice:arm64",
  arm64Cni: "localhost/sluice:arm64-cni",
} as const;

/** Under the name by which the Dockerfile asks for it: a minimal Debian 13, and this machine's own Node. */
async function importBase(room: Room): Promise<void> {
  const archive = path.join(folder, "base.tar");
  copyFileSync(path.join(folder, "debian.tar"), archive);
  const node = realpathSync(process.execPath);
  const prefix = path.dirname(path.dirname(node));
  const npm = realpathSync(path.join((await run("npm", "root", "--global")).trim(), "npm"));
  const add = (source: string, target: string) =>
    run(
      "tar",
      "-rf",
      archive,
      "--numeric-owner",
      "-P",
      `--transform=s,^${source},usr/local/${target},`,
      source,
    );
  await add(node, "bin/node");
  await add(npm, "lib/node_modules/npm");
  const links = path.join(folder, "links");
  rmSync(links, { recursive: true, force: true });
  mkdirSync(links);
  for (const name of ["npm", "npx"]) {
    await run("ln", "-s", `../lib/node_modules/npm/bin/${name}-cli.js`, path.join(links, name));
    await add(path.join(links, name), `bin/${name}`);
  }
  if (existsSync(path.join(prefix, "include/node")))
    await add(path.join(prefix, "include/node"), "include/node");
  await room.run("podman", "import", "--quiet", archive, "docker.io/library/node:24-trixie-slim");
  rmSync(archive);
}

/** An image of busybox alone, with a page for each server that says who it is. */
async function importBusybox(room: Room, name: string, ...entrypoint: string[]): Promise<void> {
  const root = path.join(folder, "app");
  rmSync(root, { recursive: true, force: true });
  mkdirSync(path.join(root, "bin"), { recursive: true });
  const busybox = path.join(repository, "build/releases/trixie/root/usr/bin/busybox");
  copyFileSync(busybox, path.join(root, "bin/busybox"));
  for (const applet of ["httpd", "mkdir", "sh", "sleep", "true", "wget"]) {
    await run("ln", "-s", "busybox", path.join(root, "bin", applet));
  }
  for (const server of ["app", "inbound", "outbound"]) {
    mkdirSync(path.join(root, "www", server), { recursive: true });
    writeFileSync(path.join(root, "www", server, "index.html"), server);
  }
  const archive = path.join(folder, "app.tar");
  await run("tar", "-cf", archive, "--owner=0", "--group=0", "-C", root, ".");
  const change = ["ENV PATH=/bin", `ENTRYPOINT ${JSON.stringify(entrypoint)}`].map(
    (line) => `--change=${line}`,
  );
  await room.run("podman", "import", "--quiet", ...change, archive, name);
}

/** The options with which a build reaches the mirrors as this machine does: the Dockerfile knows nothing of that. */
async function mirrorsOfMachine(): Promise<string[]> {
  const apt = path.join(folder, "apt.conf");
  const settings = (await run("apt-config", "dump", "Acquire")).split("\n");
  writeFileSync(apt, settings.filter((line) => /^Acquire::(Check-|https?:)/.test(line)).join("\n"));
  const cache = path.join(process.env.XDG_CACHE_HOME ?? path.join(homedir(), ".cache"), "sluice");
  const [debs, compiled] = [path.join(cache, "debs-of-image"), path.join(cache, "cache-of-image")];
  mkdirSync(path.join(debs, "partial"), { recursive: true });
  mkdirSync(compiled, { recursive: true });
  const certificates = "/etc/ssl/certs/ca-certificates.crt";
  const npm = async (key: string) => (await run("npm", "config", "get", key)).trim();
  const mounts: [string, string, "ro" | "rw"][] = [
    [apt, "/etc/apt/apt.conf.d/90machine", "ro"],
    [debs, "/var/cache/apt/archives", "rw"],
    // Else libcurl would be compiled each time.
    [compiled, "/root/.cache/sluice", "rw"],
    [certificates, certificates, "ro"],
    [await npm("globalconfig"), "/usr/local/etc/npmrc", "ro"],
    [await npm("cache"), "/root/.npm", "rw"],
  ];
  return mounts
    .filter(([source]) => existsSync(source))
    .map(([source, target, mode]) => `--volume=${source}:${target}:${mode}`);
}

/** All that git knows of, or would: what a clone of the next commit has. */
async function cloneWorkTree(): Promise<string> {
  const clone = path.join(folder, "clone");
  rmSync(clone, { recursive: true, force: true });
  mkdirSync(clone, { recursive: true });
  const list = "git ls-files --cached --others --exclude-standard --deduplicate -z";
  const existing = `${list} | xargs -0 sh -c 'for file; do [ ! -e "$file" ] || printf "%s\\0" "$file"; done' sh`;
  await run("sh", "-c", `${existing} | tar -c --null -T - | tar -x -C "$0"`, clone);
  return clone;
}

/** Builds the Dockerfile's targets from a clean clone, and keeps in the room only what the tests run. */
export async function makeImages(room: Room): Promise<void> {
  const log = path.join(folder, "build.log");
  rmSync(log, { force: true });
  await importBase(room);
  const [clone, mirrors] = [await cloneWorkTree(), await mirrorsOfMachine()];
  const options = ["--network=host", "--pull=never", ...mirrors];
  for (const [target, tag] of Object.entries(images)) {
    const selected = target === "image" ? [] : [`--target=${target}`];
    const command = ["podman", "build", ...options, `--tag=${tag}`, ...selected, clone];
    appendFileSync(log, await room.runInNetworkOfMachine(...command));
  }
  const sbom = ["--target=sbom", `--output=type=local,dest=${path.join(folder, "sbom")}`];
  await room.runInNetworkOfMachine("podman", "build", ...options, ...sbom, clone);
  if (nightly) {
    const node = ["--target=node", `--tag=${nightlyImages.node}`];
    // podman 4 does not say by itself which platform it builds on.
    const foreign = ["--platform=linux/arm64", "--build-arg=BUILDPLATFORM=linux/amd64"];
    const arm64 = [...foreign, `--tag=${nightlyImages.arm64}`];
    const arm64Cni = [...foreign, "--target=cni", `--tag=${nightlyImages.arm64Cni}`];
    for (const chosen of [node, arm64, arm64Cni]) {
      await room.runInNetworkOfMachine("podman", "build", ...options, ...chosen, clone);
    }
  }
  rmSync(clone, { recursive: true });

  await importBusybox(room, appImage);
  await importBusybox(room, sandboxImage, "/bin/sleep", "2147483647");
  await importBusybox(room, trueImage, "/bin/true");
  // Two gigabytes of memory: the room's storage is there.
  await room.run("podman", "rmi", "--force", "docker.io/library/node:24-trixie-slim");
  await room.run("podman", "image", "prune", "--force");
}
