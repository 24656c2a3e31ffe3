// SPDX-License-Identifier: GPL-2.0-or-later

// UDP from and to namespaces, with an owner.

import type { ChildProcess } from "node:child_process";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { NetworkNamespace } from "../../src/testing/index.ts";

/** Where a datagram came to. */
export interface Arrived {
  readonly namespace: NetworkNamespace;
  readonly port: number;
}

export interface Datagram {
  readonly from: NetworkNamespace;
  readonly address: string;
  readonly port: number;
  readonly uid: number;
  readonly gid: number;
}

/** Sends datagrams between namespaces, and knows where each came to. They end with the namespaces. */
export class Datagrams {
  readonly #ends = new Map<NetworkNamespace, ChildProcess>();
  readonly #awaited = new Map<string, (arrived: Arrived) => void>();
  /** Each comes from another port: connection tracking remembers where the last one from there went. */
  #next = 0;

  /** Takes datagrams in a namespace. */
  async listen(namespace: NetworkNamespace, ports: readonly number[]): Promise<void> {
    const script = join(import.meta.dirname, "datagram-end.mjs");
    const child = namespace.spawn(process.execPath, [script, ...ports.map(String)]);
    this.#ends.set(namespace, child);
    if (child.stdout === null) throw new Error("a program without standard output");
    const ready = new Promise((resolve) => this.#awaited.set("ready", resolve));
    createInterface({ input: child.stdout }).on("line", (line) => {
      const [token = "", port = ""] = line.split(" ");
      this.#awaited.get(token)?.({ namespace, port: Number(port) });
      this.#awaited.delete(token);
    });
    await ready;
  }

  /** @throws when nobody has got it within ten seconds. */
  async send({ from, ...datagram }: Datagram): Promise<Arrived> {
    const token = `datagram${this.#next}`;
    const fromPort = 10_000 + (this.#next++ % 20_000);
    const arrived = new Promise<Arrived>((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error(`${JSON.stringify(datagram)}: nobody got it`)), 10_000);
      this.#awaited.set(token, (end) => {
        clearTimeout(timer);
        resolve(end);
      });
    });
    this.#ends.get(from)?.stdin?.write(`${JSON.stringify({ token, fromPort, ...datagram })}\n`);
    return await arrived;
  }
}
