// SPDX-License-Identifier: GPL-2.0-or-later

import { createServer, type Server, type Socket } from "node:net";
import type { NetworkNamespace, Pod } from "../../src/testing/index.ts";

/** The ports and addresses of the demo. The cluster IPs are for documentation (RFC 5737, RFC 3849): nobody's. */
export const APP_PORT = 8080;
export const SKIPPED_INBOUND_PORT = 4190;
export const REMOTE_PORT = 7070;
export const SKIPPED_OUTBOUND_PORT = 4567;
export const SERVICE_PORT = 80;
export const SERVICE_ADDRESSES = { ipv4: "203.0.113.10", ipv6: "2001:db8:cafe::10" } as const;

/** One connection to open, and what has to become of it. */
export interface Path {
  /** (a) to (d), as Linkerd's documentation tells them apart. */
  readonly letter: string;
  readonly what: string;
  readonly from: NetworkNamespace;
  readonly address: string;
  readonly port: number;
  /** Which of the proxy's ports takes it; "direct": none. */
  readonly via: "inbound" | "outbound" | "direct";
  /** The greeting of whoever must answer. */
  readonly answer: string;
}

/** Connections along the four paths, in one family. */
export function pathsOf(pod: Pod, family: "ipv4" | "ipv6"): Path[] {
  const own = pod.addresses[family] ?? "";
  const remote = pod.peerAddresses[family] ?? "";
  const loopback = family === "ipv4" ? "127.0.0.1" : "::1";
  const app = `app:${APP_PORT}`;
  const { namespace, peer } = pod;
  return [
    {
      letter: "a",
      what: "client to the app",
      from: peer,
      address: own,
      port: APP_PORT,
      via: "inbound",
      answer: app,
    },
    {
      letter: "a",
      what: "client to a skipped port",
      from: peer,
      address: own,
      port: SKIPPED_INBOUND_PORT,
      via: "direct",
      answer: `app:${SKIPPED_INBOUND_PORT}`,
    },
    {
      letter: "b",
      what: "app to a remote server",
      from: namespace,
      address: remote,
      port: REMOTE_PORT,
      via: "outbound",
      answer: `remote:${REMOTE_PORT}`,
    },
    {
      letter: "b",
      what: "app to a skipped port",
      from: namespace,
      address: remote,
      port: SKIPPED_OUTBOUND_PORT,
      via: "direct",
      answer: `remote:${SKIPPED_OUTBOUND_PORT}`,
    },
    {
      letter: "c",
      what: "app to itself, loopback",
      from: namespace,
      address: loopback,
      port: APP_PORT,
      via: "direct",
      answer: app,
    },
    {
      letter: "c",
      what: "app to itself, pod IP",
      from: namespace,
      address: own,
      port: APP_PORT,
      via: "direct",
      answer: app,
    },
    {
      letter: "d",
      what: "app to its own service",
      from: namespace,
      address: SERVICE_ADDRESSES[family],
      port: SERVICE_PORT,
      via: "outbound",
      answer: app,
    },
  ];
}

/** Opens the app's ports in the pod, and the remote server's on the other side. Each answers with its name. */
export async function startServers(pod: Pod): Promise<void> {
  await greet(pod.namespace, "app", APP_PORT);
  await greet(pod.namespace, "app", SKIPPED_INBOUND_PORT);
  await greet(pod.peer, "remote", REMOTE_PORT);
  await greet(pod.peer, "remote", SKIPPED_OUTBOUND_PORT);
}

function greet(namespace: NetworkNamespace, name: string, port: number): Promise<Server> {
  const server = createServer((socket) => socket.on("error", () => {}).end(`${name}:${port}`));
  return namespace.listen(server, { port });
}

/** What a connection brought. */
export interface Outcome {
  readonly clientPort: number;
  /** The greeting, or the code of the error. */
  readonly answer: string;
}

export async function follow(path: Path): Promise<Outcome> {
  try {
    const socket = await path.from.connect({ address: path.address, port: path.port });
    const clientPort = socket.localPort ?? 0;
    return { clientPort, answer: await readAll(socket) };
  } catch (error) {
    const code = error instanceof Error && "code" in error ? String(error.code) : String(error);
    return { clientPort: 0, answer: code };
  }
}

async function readAll(socket: Socket): Promise<string> {
  socket.setTimeout(5000, () => socket.destroy(new Error("no answer within 5 s")));
  let text = "";
  for await (const chunk of socket) text += String(chunk);
  return text;
}
