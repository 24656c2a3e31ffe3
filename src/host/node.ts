// SPDX-License-Identifier: GPL-2.0-or-later

import { loadAddon } from "./addons.ts";
import type { Backend, Host, Signal } from "./host.ts";
import { readText } from "./read-text.ts";
import { writeAll } from "./write-all.ts";

type Call = (request: string) => Promise<string>;

/**
 * The world as a Node process sees it. Addons are loaded when first called.
 *
 * @param exit ends the process; default: as any program of Node's ends
 */
export function nodeHost(exit: (code: number) => void = process.exit): Host {
  const doors: Doors = new Map();
  return {
    args: process.argv.slice(2),
    env: (name) => process.env[name],
    readFile: readText,
    write: writeAll,
    // Not imported: it loads node:net and streams, which a command that never asks would wait for at each start.
    isTerminal: (fd) => process.getBuiltinModule("node:tty").isatty(fd),
    async call(backend, request) {
      const door = backend === "any" ? anyDoor(doors) : openDoor(doors, backend);
      return await door(request);
    },
    onSignal(end) {
      for (const signal of SIGNALS) process.on(signal, () => exit(end(signal)));
    },
  };
}

const SIGNALS: readonly Signal[] = ["SIGINT", "SIGTERM"];

type Doors = Map<Backend, Call>;

function openDoor(doors: Doors, backend: Backend): Call {
  let door = doors.get(backend);
  if (door === undefined) {
    door = doorOf(loadAddon(backend), backend);
    doors.set(backend, door);
  }
  return door;
}

/** One that is open already, else the first that opens: this host may lack the libraries of one. */
function anyDoor(doors: Doors): Call {
  const [open] = doors.values();
  if (open !== undefined) return open;
  try {
    return openDoor(doors, "nft");
  } catch (error) {
    try {
      return openDoor(doors, "legacy");
    } catch {
      throw error;
    }
  }
}

function doorOf(addon: unknown, backend: Backend): Call {
  if (typeof addon === "object" && addon !== null && "call" in addon && typeof addon.call === "function") {
    const call = addon.call;
    return async (request) => {
      const reply: unknown = await call(request);
      if (typeof reply !== "string") throw new TypeError(`the addon ${backend} answered with no text`);
      return reply;
    };
  }
  throw new TypeError(`the addon ${backend} has no function call`);
}
