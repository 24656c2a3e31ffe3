// SPDX-License-Identifier: GPL-2.0-or-later

import { statSync } from "node:fs";
import { nodeHost } from "../host/node.ts";
import { install } from "../kernel/install.ts";
import { remove } from "../kernel/remove.ts";
import type { InstallReport, RemoveReport, Target } from "../kernel/report.ts";
import { PolicyError } from "../policy/error.ts";
import { parsePolicy } from "../policy/parse.ts";
import type { RedirectPolicy } from "../policy/policy.ts";

/**
 * Where the rules of {@link redirect} go.
 *
 * @example
 * import { redirect, type RedirectOptions } from "sluice/proxy";
 * import { createPod } from "sluice/testing";
 *
 * await using pod = await createPod();
 * const options: RedirectOptions = { mode: "nft", netns: pod.namespace.path };
 * await using rules = await redirect({ proxy: { uid: 2102 }, outbound: { proxyPort: 4140 } }, options);
 * console.log(rules.report.mode);
 */
export interface RedirectOptions extends Target {
  /**
   * Installs rules that redirect this process's own connections, too: for one that only sets up the rules of a proxy that
   * runs as another user. Default false.
   */
  allowLoop?: boolean;
}

/**
 * Rules that are in force until they are removed.
 *
 * @example
 * import { redirect, type Redirection } from "sluice/proxy";
 * import { createPod } from "sluice/testing";
 *
 * await using pod = await createPod();
 * const target = { mode: "nft", netns: pod.namespace.path } as const;
 * const rules: Redirection = await redirect({ inbound: { proxyPort: 4143 } }, target);
 * console.log((await rules.remove()).changed); // true
 */
export interface Redirection extends AsyncDisposable {
  /** What the kernel held when they were installed. */
  readonly report: InstallReport;
  /**
   * Takes the rules out, in the mode and the namespace in which they are: also those that were there already, when
   * `report.changed` is false. Calling it again does nothing more.
   */
  remove(): Promise<RemoveReport>;
}

/**
 * Installs the rules of a policy and gives a handle that takes them out again.
 *
 * A proxy whose own connections are redirected back to it never reaches anybody. So this refuses, before it touches the kernel,
 * rules that would do that to this very process: outbound ones in its own network namespace that exclude neither its user nor
 * its group, as the proxy's or by skipUids and skipGids.
 *
 * @throws {PolicyError} for a policy that makes no sense, and for that loop; its message names the fix.
 * @throws {NetfilterError} as `install` of `sluice` does.
 * @example
 * import { redirect } from "sluice/proxy";
 * import { createPod } from "sluice/testing";
 *
 * await using pod = await createPod();
 * await using rules = await redirect(
 *   { proxy: { uid: 2102 }, outbound: { proxyPort: 4140 } },
 *   { mode: "nft", netns: pod.namespace.path },
 * );
 * console.log(rules.report.changed);
 */
export async function redirect(policy: RedirectPolicy, options: RedirectOptions = {}): Promise<Redirection> {
  const { allowLoop = false, ...target } = options;
  if (!allowLoop) refuseLoop(policy, target.netns);
  const host = nodeHost();
  const report = await install(host, policy, target);
  let removal: Promise<RemoveReport> | undefined;
  const takeOut = (): Promise<RemoveReport> => {
    removal ??= remove(host, { ...target, mode: report.mode }).catch((error: unknown) => {
      removal = undefined; // to be tried again
      throw error;
    });
    return removal;
  };
  return {
    report,
    remove: takeOut,
    async [Symbol.asyncDispose]() {
      await takeOut();
    },
  };
}

/** xt_owner looks at the user and the group that a socket was made by: the effective ones. Root cannot be proxy.uid. */
function refuseLoop(policy: RedirectPolicy, netns: string | undefined): void {
  const { proxy = {}, outbound } = parsePolicy(policy);
  if (outbound === undefined || !isOwnNamespace(netns)) return;
  const uid = process.geteuid?.() ?? 0;
  const gid = process.getegid?.() ?? 0;
  const { skipUids = [], skipGids = [] } = outbound;
  if ((uid > 0 && proxy.uid === uid) || (gid > 0 && proxy.gid === gid)) return;
  if (skipUids.includes(uid) || skipGids.includes(gid)) return;
  const fix =
    uid > 0
      ? `set proxy.uid to ${uid}, or run it as the user that proxy.uid names`
      : "run it as a user of its own, other than root, and name that one in proxy.uid, or put 0 into outbound.skipUids";
  throw new PolicyError(
    "proxy",
    policy.proxy,
    `this process runs as uid ${uid} and gid ${gid}, and its own connections would be redirected back to it: ${fix}; ` +
      "if the proxy is another process, pass allowLoop",
  );
}

function isOwnNamespace(netns: string | undefined): boolean {
  if (netns === undefined) return true;
  try {
    const [own, named] = ["/proc/self/ns/net", netns].map((path) => statSync(path));
    return own !== undefined && named !== undefined && own.dev === named.dev && own.ino === named.ino;
  } catch {
    return false; // what is wrong with it, install says
  }
}
