// SPDX-License-Identifier: GPL-2.0-or-later

import type { Host } from "../../../src/host/host.ts";
import type { Https } from "../../../src/host/https.ts";
import { askAll } from "./https.ts";

/** A command that asks the host for one thing, or goes wrong in one way: `probe WHAT [ARGUMENT]`. */
export async function probe(host: Host, https: Https): Promise<number> {
  const [what, argument = ""] = host.args;
  switch (what) {
    case "args":
      host.write(1, JSON.stringify(host.args));
      return 0;
    case "env":
      host.write(1, JSON.stringify(host.env(argument) ?? null));
      return 0;
    case "read":
      host.write(1, host.readFile(argument));
      return 0;
    case "write":
      host.write(1, JSON.parse(argument));
      return 0;
    case "fill":
      host.write(1, "x".repeat(Number(argument)));
      return 0;
    case "call":
      host.write(1, await host.call("nft", argument));
      return 0;
    case "https":
      host.write(1, JSON.stringify(await askAll(https, JSON.parse(host.readFile("-")))));
      return 0;
    case "globals":
      host.write(1, Object.getOwnPropertyNames(globalThis).join("\n"));
      return 0;
    case "exit":
      return Number(argument);
    case "throw":
      throw new Error(argument);
    case "fault":
      return JSON.parse("null").missing;
    case "recurse":
      return deeper(0);
    case "reject":
      Promise.reject(new Error("left alone"));
      return 0;
    case "wait":
      await new Promise(() => {});
      return 0;
  }
  return 64;
}

function deeper(depth: number): number {
  return deeper(depth + 1) + 1;
}
