// SPDX-License-Identifier: GPL-2.0-or-later

import path from "node:path";
import { credentials, loadPackageDefinition, type ServiceError } from "@grpc/grpc-js";
import { loadSync } from "@grpc/proto-loader";

const definition = loadSync(path.join(import.meta.dirname, "cri.proto"), {
  keepCase: true,
  longs: Number,
  enums: String,
  defaults: true,
});

export interface PodSandboxConfig {
  metadata: { name: string; uid: string; namespace: string };
  hostname: string;
  log_directory: string;
  linux: { security_context: { namespace_options: { pid: "CONTAINER" }; privileged: boolean } };
}

export interface SecurityContext {
  capabilities?: { add_capabilities?: string[]; drop_capabilities?: string[] };
  privileged?: boolean;
  run_as_user?: { value: number };
  run_as_group?: { value: number };
  readonly_rootfs?: boolean;
  no_new_privs?: boolean;
  seccomp?: { profile_type: "RuntimeDefault" | "Unconfined" };
}

export interface ContainerConfig {
  metadata: { name: string };
  image: { image: string };
  command?: string[];
  args?: string[];
  mounts?: { container_path: string; host_path: string }[];
  log_path: string;
  linux: { security_context: SecurityContext & { namespace_options: { pid: "CONTAINER" } } };
}

interface Calls {
  RunPodSandbox: [{ config: PodSandboxConfig; runtime_handler: string }, { pod_sandbox_id: string }];
  StopPodSandbox: [{ pod_sandbox_id: string }, object];
  RemovePodSandbox: [{ pod_sandbox_id: string }, object];
  PodSandboxStatus: [
    { pod_sandbox_id: string },
    { status: { network: { ip: string; additional_ips: { ip: string }[] } } },
  ];
  CreateContainer: [
    { pod_sandbox_id: string; config: ContainerConfig; sandbox_config: PodSandboxConfig },
    { container_id: string },
  ];
  StartContainer: [{ container_id: string }, object];
  ContainerStatus: [{ container_id: string }, { status: { state: string; exit_code: number } }];
  ExecSync: [
    { container_id: string; cmd: string[]; timeout: number },
    { stdout: Buffer; stderr: Buffer; exit_code: number },
  ];
}

type Method = (request: object, reply: (error: ServiceError | null, value: never) => void) => void;

/** The kubelet's end of the Container Runtime Interface. */
export class RuntimeService {
  readonly #methods: Record<string, Method>;
  readonly close: () => void;

  constructor(socket: string) {
    // proto-loader's types know nothing of the file's services.
    const { runtime } = loadPackageDefinition(definition) as unknown as {
      runtime: {
        v1: {
          RuntimeService: new (
            address: string,
            credentials: object,
          ) => Record<string, Method> & { close: () => void };
        };
      };
    };
    const client = new runtime.v1.RuntimeService(`unix:${socket}`, credentials.createInsecure());
    this.#methods = client;
    this.close = () => client.close();
  }

  call<Name extends keyof Calls>(name: Name, request: Calls[Name][0]): Promise<Calls[Name][1]> {
    return new Promise((resolve, reject) => {
      this.#methods[name]?.call(this.#methods, request, (error, value) =>
        error ? reject(error) : resolve(value),
      );
    });
  }
}
