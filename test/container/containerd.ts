// SPDX-License-Identifier: GPL-2.0-or-later

import { spawn } from "node:child_process";
import { existsSync, mkdirSync, openSync, writeFileSync } from "node:fs";
import path from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { appImage, images, sandboxImage, trueImage } from "./images.ts";
import type { Room } from "./room/room.ts";

export const socket = "/run/containerd/containerd.sock";
/** Of the pods' network, which exists in the room alone. The bridge has the first address of each. */
export const subnets = { ipv4: "198.18.7.0/24", ipv6: "fd00:51:7::/64" } as const;

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
    bin_dir = "/usr/lib/cni"
    conf_dir = "/run/cni"
  [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
    runtime_type = "io.containerd.runc.v2"
`;

const network = {
  cniVersion: "1.0.0",
  name: "pods",
  plugins: [
    {
      type: "bridge",
      bridge: "pods",
      isDefaultGateway: true,
      ipam: { type: "host-local", ranges: [[{ subnet: subnets.ipv4 }], [{ subnet: subnets.ipv6 }]] },
    },
  ],
};

/** Starts containerd in a room, which ends it, too. */
export async function startContainerd(room: Room): Promise<void> {
  mkdirSync(room.outside("/run/cni"));
  writeFileSync(room.outside("/run/cni/pods.conflist"), JSON.stringify(network));
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
  for (const image of [sandboxImage, appImage, trueImage, ...Object.values(images)]) {
    const pass = 'podman save "$0" | ctr --namespace k8s.io images import -';
    await room.run("sh", "-c", pass, image);
  }
}
