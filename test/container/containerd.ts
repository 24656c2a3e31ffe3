// SPDX-License-Identifier: GPL-2.0-or-later

import { spawn } from "node:child_process";
import { existsSync, mkdirSync, openSync, readdirSync, symlinkSync, writeFileSync } from "node:fs";
import path from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { appImage, images, sandboxImage, trueImage } from "./images.ts";
import type { Room } from "./room/room.ts";

export const socket = "/run/containerd/containerd.sock";
/** Of the pods' network, which exists in the room alone. The bridge has the first address of each. */
export const subnets = { ipv4: "198.18.7.0/24", ipv6: "fd00:51:7::/64" } as const;
/** The room's own, to which a plugin can be added. */
export const pluginFolder = "/run/cni/bin";
/** A runtime with a network of its own, for the tests that add a plugin to that. */
export const chained = { runtime: "chained", folder: "/run/cni/chained", file: "chained.conflist" } as const;

// As the CRI needs it where there is neither systemd nor AppArmor.
const config = `version = 2
root = "/var/lib/containerd"
state = "/run/containerd"
[grpc]
  address = "${socket}"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "${sandboxImage}"
  restrict_oom_score_adj = true
  disable_apparmor = true
  disable_tcp_service = true
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "${pluginFolder}"
    conf_dir = "/run/cni/pods"
  [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
    runtime_type = "io.containerd.runc.v2"
  [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.${chained.runtime}]
    runtime_type = "io.containerd.runc.v2"
    cni_conf_dir = "${chained.folder}"
`;

const bridge = (name: string, { ipv4, ipv6 }: Record<"ipv4" | "ipv6", string>) => ({
  type: "bridge",
  bridge: name,
  isDefaultGateway: true,
  ipam: { type: "host-local", ranges: [[{ subnet: ipv4 }], [{ subnet: ipv6 }]] },
});
const network = { cniVersion: "1.0.0", name: "pods", plugins: [bridge("pods", subnets)] };
/** What many a node has. */
const chainedNetwork = {
  cniVersion: "1.0.0",
  name: "chained",
  plugins: [
    bridge("chained", { ipv4: "198.18.19.0/24", ipv6: "fd00:51:19::/64" }),
    { type: "portmap", capabilities: { portMappings: true } },
  ],
};

/** The folders of the network: Debian's plugins, and a configuration for each runtime. */
export function configureNetworks(room: Room): void {
  for (const folder of [pluginFolder, "/run/cni/pods", chained.folder]) {
    mkdirSync(room.outside(folder), { recursive: true });
  }
  for (const name of readdirSync("/usr/lib/cni")) {
    symlinkSync(`/usr/lib/cni/${name}`, room.outside(`${pluginFolder}/${name}`));
  }
  writeFileSync(room.outside("/run/cni/pods/pods.conflist"), JSON.stringify(network));
  writeFileSync(room.outside(`${chained.folder}/${chained.file}`), JSON.stringify(chainedNetwork));
}

/** Starts containerd in a room with networks, which ends it, too. */
export async function startContainerd(room: Room): Promise<void> {
  writeFileSync(room.outside("/run/containerd.toml"), config);
  const log = openSync(path.join(import.meta.dirname, "../../build/containers/containerd.log"), "w");
  const { file, args, options } = room.command("containerd", "--config", "/run/containerd.toml");
  const containerd = spawn(file, args, { ...options, stdio: ["ignore", log, log] });
  const deadline = Date.now() + 20_000;
  while (!existsSync(room.outside(socket))) {
    if (containerd.exitCode !== null || Date.now() > deadline) {
      throw new Error("containerd does not start: build/containers/containerd.log says why");
    }
    await delay(50);
  }
  for (const image of [sandboxImage, appImage, trueImage, images.image, images.tools]) {
    const pass = 'podman save "$0" | ctr --namespace k8s.io images import -';
    await room.run("sh", "-c", pass, image);
  }
}
