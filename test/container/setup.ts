// SPDX-License-Identifier: GPL-2.0-or-later

// Once for all files of the tier: a room, in it the images, built from a clean clone, and containerd.

import type { TestProject } from "vitest/node";
import { configureNetworks, startContainerd } from "./containerd.ts";
import { makeImages } from "./images.ts";
import { openRoom } from "./room/room.ts";

declare module "vitest" {
  interface ProvidedContext {
    /** The first process of the room, or why there is none. */
    room: { pid: number } | { failure: string };
  }
}

export default async function setup(project: TestProject): Promise<(() => Promise<void>) | undefined> {
  const opened = await openRoom().catch((error: Error) => error);
  if (opened instanceof Error) {
    project.provide("room", { failure: opened.message });
    return undefined;
  }
  const { room, close } = opened;
  try {
    // podman does not start without the folder of its plugins.
    configureNetworks(room);
    await makeImages(room);
    await startContainerd(room);
    project.provide("room", { pid: room.pid });
  } catch (error) {
    // What the other tiers find is worth knowing all the same.
    project.provide("room", { failure: error instanceof Error ? error.message : String(error) });
  }
  return close;
}
