// SPDX-License-Identifier: GPL-2.0-or-later

import { NetfilterError } from "../kernel/error.ts";
import { isOwnNamespace } from "../kernel/look.ts";
import { show } from "../policy/error.ts";
import { CniError, CODES } from "./error.ts";
import type { World } from "./world.ts";

/**
 * Makes sure that rules written to a namespace are a container's. Those of a pod, in the node's own namespace, would cut off the node.
 *
 * @throws {CniError} if it is no network namespace, cannot be entered, or is the plugin's own
 */
export async function checkNamespace({ host }: World, netns: string): Promise<void> {
  try {
    if (!(await isOwnNamespace(host, netns))) return;
  } catch (error) {
    if (error instanceof NetfilterError)
      throw new CniError(CODES.invalidEnvironment, `CNI_NETNS: ${error.message}`);
    throw error;
  }
  throw new CniError(
    CODES.invalidEnvironment,
    `CNI_NETNS: ${show(netns)} is the namespace that the plugin itself runs in, not a container's`,
  );
}
