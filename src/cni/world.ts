// SPDX-License-Identifier: GPL-2.0-or-later

import type { Files } from "../host/files.ts";
import type { Host } from "../host/host.ts";
import type { Https } from "../host/https.ts";

/** What the plugin may ask of the world it runs in. */
export interface World {
  readonly host: Host;
  readonly https: Https;
  readonly files: Pick<Files, "append">;
}
