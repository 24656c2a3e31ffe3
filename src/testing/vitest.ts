// SPDX-License-Identifier: GPL-2.0-or-later

/**
 * Gives vitest's `expect` the assertions of `sluice/testing`. Import it in a test file, or name it in `setupFiles`.
 *
 * @example
 * import "sluice/testing/vitest";
 *
 * @module
 */

import { expect } from "vitest";
import { matchers, type SluiceMatchers } from "./matchers.ts";

expect.extend(matchers);

declare module "vitest" {
  // biome-ignore lint/suspicious/noExplicitAny: vitest's own declaration, with which this one merges, has this parameter
  interface Matchers<T = any> extends SluiceMatchers {}
}
