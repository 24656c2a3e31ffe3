// SPDX-License-Identifier: GPL-2.0-or-later

/** package.json's version: the bundler puts it in (esbuild's `define`). */
declare const __SLUICE_VERSION__: string;

/** The version of this program; `0.0.0-dev` when it was not bundled. */
export const version: string = typeof __SLUICE_VERSION__ === "string" ? __SLUICE_VERSION__ : "0.0.0-dev";
