// SPDX-License-Identifier: GPL-2.0-or-later

import type { Entry } from "./entry.ts";

/** What an installer works with. Paths are those of its own container unless they say otherwise. */
export interface Settings {
  /** Below which the node's folders are. */
  readonly prefix: string;
  /** On the node. */
  readonly binFolder: string;
  /** On the node. */
  readonly netFolder: string;
  /** The plugin's executable. */
  readonly executable: string;
  /** Where the token and the certificates of the service account are. */
  readonly serviceAccount: string;
  /** URL of the API server. */
  readonly server: string;
  readonly entry: Entry;
}
