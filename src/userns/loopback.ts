// SPDX-License-Identifier: GPL-2.0-or-later

import { closeSync, openSync } from "node:fs";
import { NetfilterError } from "../kernel/error.ts";
import { callAddon } from "../testing/addon.ts";

/** Sets loopback up in the network namespace of this process. */
export async function setLoopbackUp(): Promise<void> {
  const namespace = openSync("/proc/self/ns/net", "r");
  try {
    await callAddon((addon) => addon.setLinkUp(namespace, "lo"));
  } finally {
    closeSync(namespace);
  }
}

/** Whether an error says that a capability is missing. */
export function isRefusal(error: unknown): boolean {
  return error instanceof NetfilterError && error.code === "permission-denied";
}
