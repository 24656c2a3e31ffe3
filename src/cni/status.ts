// SPDX-License-Identifier: GPL-2.0-or-later

import { NetfilterError } from "../kernel/error.ts";
import { inspect } from "../kernel/inspect.ts";
import { type Extension, findExtensions } from "../kernel/look.ts";
import { show } from "../policy/error.ts";
import type { Mode } from "../policy/policy.ts";
import { readKubeconfig } from "./api/kubeconfig.ts";
import { CniError, CODES } from "./error.ts";
import type { NetworkConfig } from "./network-config.ts";
import { tokenExpiry } from "./token.ts";
import type { World } from "./world.ts";

/**
 * STATUS: whether an ADD for a meshed pod could be served. Runtimes ask every few seconds on every node: so the API server is not
 * asked, and the kernel only whether it has what the mode needs.
 *
 * @throws {CniError} with the code `unavailable`, saying why
 */
export async function status(world: World, { kubeconfig = "", linkerd }: NetworkConfig): Promise<void> {
  try {
    if (linkerd === undefined) throw unavailable("linkerd: is missing: what shall be redirected");
    if (kubeconfig === "") throw unavailable("kubernetes.kubeconfig: is missing");
    const { token } = await readKubeconfig(world.host, kubeconfig);
    checkToken(kubeconfig, token);
    await checkMode(world, linkerd.mode);
  } catch (error) {
    if (error instanceof CniError || error instanceof NetfilterError) throw unavailable(error.message);
    throw error;
  }
}

function unavailable(message: string): CniError {
  return new CniError(CODES.unavailable, message);
}

function checkToken(kubeconfig: string, token: string | undefined): void {
  const expiry = token === undefined ? undefined : tokenExpiry(token);
  if (expiry === undefined || expiry * 1000 > Date.now()) return;
  const since = new Date(expiry * 1000).toISOString();
  throw unavailable(
    `kubernetes.kubeconfig: ${show(kubeconfig)}: its token has run out at ${since}; the installer writes a new one when it runs`,
  );
}

async function checkMode(world: World, mode: Mode | "auto" | undefined): Promise<void> {
  const acceptable: readonly Mode[] = modesOf(mode);
  const lacks: string[] = [];
  for (const each of acceptable) {
    const reason = await lackOf(world, each);
    if (reason === undefined) return;
    lacks.push(`mode ${each}: ${reason}`);
  }
  throw unavailable(`no usable mode: ${lacks.join("; ")}`);
}

/** By default it is legacy, or else what there is. */
function modesOf(mode: Mode | "auto" | undefined): readonly Mode[] {
  if (mode === undefined) return ["legacy", "nft", "nftables"];
  return mode === "auto" ? ["nft", "nftables", "legacy"] : [mode];
}

/** What the rules that every pod gets are made of, in IPv4, which every pod has. */
const EXTENSIONS: readonly Extension[] = [
  { family: "ipv4", kind: "match", name: "owner", revision: 1 },
  { family: "ipv4", kind: "match", name: "multiport", revision: 1 },
  { family: "ipv4", kind: "match", name: "comment", revision: 0 },
  { family: "ipv4", kind: "target", name: "REDIRECT", revision: 0 },
];

/** Why a mode does not work here; undefined: nothing speaks against it. */
async function lackOf({ host }: World, mode: Mode): Promise<string | undefined> {
  if (mode === "nftables") {
    const [found] = (await inspect(host, { mode })).modes;
    return found?.state === "read" ? undefined : found?.reason;
  }
  const door = mode === "legacy" ? "ip_tables" : "nf_tables";
  const answers = await findExtensions(host, undefined, door, EXTENSIONS);
  const index = answers.findIndex((answer) => answer !== undefined);
  const refused = answers[index];
  if (refused === undefined) return undefined;
  const { kind = "", name = "" } = EXTENSIONS[index] ?? {};
  return `the kernel does not give ${kind} ${name}: ${refused.reason}`;
}
