// SPDX-License-Identifier: GPL-2.0-or-later

import { once } from "node:events";
import { createNamespace } from "../../src/testing/index.ts";
import type { Place } from "./hosts.ts";

/** A network namespace that belongs to a user namespace in which uid and gid 0 are mapped, and no others. */
export interface UserNamespace extends Place, AsyncDisposable {}

/** util-linux's unshare makes it, and a program holds it until it is closed. */
export async function createUserNamespace(): Promise<UserNamespace> {
  const around = await createNamespace();
  try {
    const holder = around.spawn("unshare", [
      "--user",
      "--map-root-user",
      "--net",
      "sh",
      "-c",
      "echo in; exec cat",
    ]);
    const output = holder.stdout;
    if (output === null) throw new TypeError("the program has no standard output");
    const [written] = await Promise.race([once(output, "data"), once(output, "end").then(() => [""])]);
    if (String(written) !== "in\n") throw new Error("unshare could not make a user namespace");
    const enter = [`--target=${holder.pid}`, "--user", "--net", "--"];
    return {
      path: `/proc/${holder.pid}/ns/net`,
      exec: (file, args = [], options = {}) => around.exec("nsenter", [...enter, file, ...args], options),
      [Symbol.asyncDispose]: () => around.close(),
    };
  } catch (error) {
    await around.close();
    throw error;
  }
}
