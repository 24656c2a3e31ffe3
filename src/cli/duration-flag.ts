// SPDX-License-Identifier: GPL-2.0-or-later

import { parseDuration } from "./duration.ts";
import { type FlagKind, last } from "./flag-kinds.ts";

/** Milliseconds, written as Linkerd's programs in Rust write them; the last one counts. */
export const DURATION: FlagKind<number> = {
  label: "duration",
  read: (texts, fail) =>
    last(texts, (text) => parseDuration(text) ?? fail(text, "is not a number and ms, s, m, h or d")),
};
