// SPDX-License-Identifier: GPL-2.0-or-later

// Containers that say who answers: the app's, and the proxy's.

import path from "node:path";
import { expect, vi } from "vitest";
import { type ContainerSpec, exec, type Pod, plain, room } from "./kubelet.ts";

const busybox = path.join(import.meta.dirname, "../../build/releases/trixie/root/usr/bin/busybox");

/** Listens on both families. */
export const httpd = (port: number, page: string) => `httpd -p ${port} -h /www/${page}`;
export const appPorts = [8080, 9090];
const app = {
  command: ["sh", "-c", [...appPorts.map((port) => httpd(port, "app")), "exec sleep 3600"].join("; ")],
};
const proxy = {
  command: ["sh", "-c", `${httpd(4143, "inbound")}; ${httpd(4140, "outbound")}; exec sleep 3600`],
  security: { ...plain, run_as_user: { value: 2102 }, run_as_group: { value: 2102 } },
};

export type Container = Awaited<ReturnType<Pod["start"]>>;
export type Answer = "app" | "inbound" | "outbound" | "nobody";

const url = (address: string, port: number) =>
  `http://${address.includes(":") ? `[${address}]` : address}:${port}/`;
export const wget = (address: string, port: number) => [
  "wget",
  "-q",
  "-T",
  "3",
  "-O",
  "-",
  url(address, port),
];
const answer = (stdout: string) => (stdout === "" ? "nobody" : stdout) as Answer;

/** Who answers a container. */
export async function from(container: Container, address: string, port: number): Promise<Answer> {
  return answer((await exec(container, ...wget(address, port))).stdout);
}

/** Starts servers, and waits until all listen. */
async function serve(
  pod: Pod,
  spec: ContainerSpec,
  pages: Readonly<Record<number, Answer>>,
): Promise<Container> {
  const container = await pod.start(spec);
  for (const [port, page] of Object.entries(pages)) {
    await vi.waitFor(async () => expect(await from(container, "127.0.0.1", Number(port))).toBe(page), 5000);
  }
  return container;
}
export const serveApp = (pod: Pod) => serve(pod, app, { 8080: "app", 9090: "app" });
export const serveProxy = (pod: Pod) => serve(pod, proxy, { 4143: "inbound", 4140: "outbound" });

/** Who answers outside all pods, where the node is. */
export async function fromOutside(address: string, port: number): Promise<Answer> {
  const [, ...args] = wget(address, port);
  return answer(
    await room()
      .run(busybox, "wget", ...args)
      .catch(() => ""),
  );
}
