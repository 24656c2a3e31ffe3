// SPDX-License-Identifier: GPL-2.0-or-later

import type { Host } from "../host/host.ts";
import type { Https } from "../host/https.ts";

/** What the plugin may ask of the world it runs in. */
export interface World {
  readonly host: Host;
  readonly https: Https;
  /** Adds to the end of a file, in one write, which it makes with mode 0600. Throws an Error that names the file and the reason. */
  append(path: string, text: string): void;
}
