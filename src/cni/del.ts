// SPDX-License-Identifier: GPL-2.0-or-later

import { NetfilterError } from "../kernel/error.ts";
import { isOwnNamespace } from "../kernel/look.ts";
import { remove } from "../kernel/remove.ts";
import type { Log } from "../log/log.ts";
import type { Environment } from "./environment.ts";
import type { World } from "./world.ts";

/**
 * DEL: takes the rules out, if there is a namespace to look into. Whatever goes wrong, it is done: the namespace goes, and its
 * rules with it, and a runtime that were told of a failure would keep the pod for ever.
 */
export async function del({ host }: World, log: Log, { netns }: Environment): Promise<void> {
  if (netns === "") {
    log.info("nothing to take out: the namespace is gone");
    return;
  }
  try {
    if (await isOwnNamespace(host, netns)) {
      log.warning(`nothing taken out: ${netns} is the namespace that the plugin itself runs in`);
      return;
    }
    const { changed } = await remove(host, { netns });
    log.info(changed ? "the rules are taken out" : "there are no rules to take out");
  } catch (error) {
    if (!(error instanceof NetfilterError)) throw error;
    log.warning(`not taken out, and left to the end of the namespace: ${error.message}`);
  }
}
