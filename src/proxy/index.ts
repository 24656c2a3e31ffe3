// SPDX-License-Identifier: GPL-2.0-or-later

/**
 * For authors of transparent proxies: where a redirected connection wanted to go, servers that are told, and rules as a
 * handle.
 *
 * @module
 */

export {
  type OriginalDestination,
  type OriginalDestinationOptions,
  originalDestination,
} from "./original-destination.ts";
export { type Redirection, type RedirectOptions, redirect } from "./redirect.ts";
export {
  createTransparentServer,
  type Refusal,
  type TransparentHandler,
  type TransparentServerOptions,
} from "./transparent-server.ts";
