// SPDX-License-Identifier: GPL-2.0-or-later

// Pods, made by containerd's CRI as the kubelet makes them.

import { chmodSync, mkdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { inject } from "vitest";
import { socket } from "./containerd.ts";
import { type ContainerConfig, type PodSandboxConfig, RuntimeService, type SecurityContext } from "./cri.ts";
import { appImage, images } from "./images.ts";
import { Room } from "./room/room.ts";

/** As Linkerd's chart has it for its init container: its securityContext, as the kubelet translates it. */
export const asLinkerd: SecurityContext = {
  capabilities: { add_capabilities: ["NET_ADMIN", "NET_RAW"] },
  run_as_user: { value: 65534 },
  run_as_group: { value: 65534 },
  readonly_rootfs: true,
  no_new_privs: true,
  seccomp: { profile_type: "RuntimeDefault" },
};
/** With proxyInit.runAsRoot. */
export const asRoot: SecurityContext = {
  ...asLinkerd,
  run_as_user: { value: 0 },
  run_as_group: { value: 0 },
};
/** With proxyInit.privileged: such a container may gain privileges, and has no seccomp filter. */
export const asPrivileged: SecurityContext = {
  ...asRoot,
  privileged: true,
  no_new_privs: false,
  seccomp: { profile_type: "Unconfined" },
};
/** What a container has that asks for nothing. */
export const plain: SecurityContext = { seccomp: { profile_type: "Unconfined" } };

export interface ContainerSpec {
  readonly image?: string;
  readonly command?: string[];
  readonly args?: string[];
  readonly security?: SecurityContext;
}

export interface PodSpec {
  /** Default: one that no other pod has. */
  readonly name?: string;
  readonly namespace?: string;
  /** One of containerd's runtimes; default: the one without the CNI plugin. */
  readonly runtime?: string;
}

export interface Exit {
  readonly code: number;
  /** Standard output and standard error, in the order of the log. */
  readonly log: string;
  readonly stderr: string;
}

export function room(): Room {
  const provided = inject("room");
  if ("failure" in provided) throw new Error(provided.failure);
  return new Room(provided.pid);
}

let service: RuntimeService | undefined;
const runtime = () => {
  service ??= new RuntimeService(room().outside(socket));
  return service;
};

let count = 0;

export class Pod {
  readonly #config: PodSandboxConfig;
  readonly #id: string;
  readonly addresses: { readonly ipv4: string; readonly ipv6: string };

  private constructor(config: PodSandboxConfig, id: string, addresses: Pod["addresses"]) {
    this.#config = config;
    this.#id = id;
    this.addresses = addresses;
  }

  static async create(spec: PodSpec = {}): Promise<Pod> {
    const { name = `pod-${process.pid}-${++count}`, namespace = "default", runtime: handler = "" } = spec;
    const config: PodSandboxConfig = {
      metadata: { name, uid: name, namespace },
      hostname: name,
      log_directory: `/run/pods/${name}/log`,
      linux: { security_context: { namespace_options: { pid: "CONTAINER" }, privileged: true } },
    };
    mkdirSync(room().outside(`/run/pods/${name}/log`), { recursive: true });
    // An emptyDir, which the kubelet makes for everybody to write to.
    mkdirSync(room().outside(`/run/pods/${name}/run`), { recursive: true });
    chmodSync(room().outside(`/run/pods/${name}/run`), 0o777);
    const { pod_sandbox_id } = await runtime().call("RunPodSandbox", { config, runtime_handler: handler });
    const { status } = await runtime().call("PodSandboxStatus", { pod_sandbox_id });
    const all = [status.network.ip, ...status.network.additional_ips.map(({ ip }) => ip)];
    const [ipv4 = "", ipv6 = ""] = [all.find((ip) => !ip.includes(":")), all.find((ip) => ip.includes(":"))];
    return new Pod(config, pod_sandbox_id, { ipv4, ipv6 });
  }

  /** Starts a container, with an emptyDir at /run. */
  async start(spec: ContainerSpec): Promise<{ id: string; logPath: string }> {
    const name = `c${++count}`;
    const config: ContainerConfig = {
      metadata: { name },
      image: { image: spec.image ?? appImage },
      ...(spec.command === undefined ? {} : { command: spec.command }),
      args: spec.args ?? [],
      mounts: [{ container_path: "/run", host_path: path.join(this.#config.log_directory, "../run") }],
      log_path: `${name}.log`,
      linux: { security_context: { ...(spec.security ?? plain), namespace_options: { pid: "CONTAINER" } } },
    };
    const request = { pod_sandbox_id: this.#id, config, sandbox_config: this.#config };
    const { container_id } = await runtime().call("CreateContainer", request);
    await runtime().call("StartContainer", { container_id });
    return { id: container_id, logPath: path.join(this.#config.log_directory, config.log_path) };
  }

  /** Runs a container to its end, as the kubelet does with an init container. */
  async run(spec: ContainerSpec): Promise<Exit> {
    const { id, logPath } = await this.start(spec);
    for (;;) {
      const { status } = await runtime().call("ContainerStatus", { container_id: id });
      if (status.state === "CONTAINER_EXITED") return { code: status.exit_code, ...readLog(logPath) };
      await delay(5);
    }
  }

  async remove(): Promise<void> {
    await runtime().call("StopPodSandbox", { pod_sandbox_id: this.#id });
    await runtime().call("RemovePodSandbox", { pod_sandbox_id: this.#id });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.remove();
  }
}

/** The log as the runtime writes it: a time, the stream, whether the line is whole, and the line. */
function readLog(logPath: string): { log: string; stderr: string } {
  const lines = readFileSync(room().outside(logPath), "utf8").split("\n").filter(Boolean);
  const parsed = lines.map((line) => /^\S+ (stdout|stderr) ([FP]) (.*)$/.exec(line));
  const text = (stream?: string) =>
    parsed
      .filter((fields) => stream === undefined || fields?.[1] === stream)
      .map((fields) => (fields?.[3] ?? "") + (fields?.[2] === "F" ? "\n" : ""))
      .join("");
  return { log: text(), stderr: text("stderr") };
}

/** Runs a command in a running container. */
export async function exec(
  container: { id: string },
  ...cmd: string[]
): Promise<{ code: number; stdout: string }> {
  const reply = await runtime().call("ExecSync", { container_id: container.id, cmd, timeout: 10 });
  return { code: reply.exit_code, stdout: reply.stdout.toString() };
}

/** The flags that Linkerd's chart gives, beside those about ports. */
export const linkerdFlags = (mode: string): string[] =>
  `--iptables-mode=${mode} --incoming-proxy-port=4143 --outgoing-proxy-port=4140 --proxy-uid=2102`.split(" ");

export const proxyInit = { image: images.image, security: asLinkerd } as const;
