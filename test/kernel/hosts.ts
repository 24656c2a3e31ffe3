// SPDX-License-Identifier: GPL-2.0-or-later

// The hosts of proxy-init, Node's in two versions, and how the kernel tier runs it: always in throwaway namespaces.

import { chmodSync, cpSync, existsSync, linkSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, beforeEach, describe } from "vitest";
import {
  createNamespace,
  type ExecOptions,
  type ExecResult,
  type NetworkNamespace,
} from "../../src/testing/index.ts";
import { reasons } from "../setup/tiers.ts";

/** Where programs run: a namespace of the test kit, or one that a program has made. */
export type Place = Pick<NetworkNamespace, "exec" | "path">;

export interface ProgramHost {
  readonly name: "node" | "node 24" | "static";
  /** proxy-init on this host, without its arguments. */
  readonly command: readonly [string, ...string[]];
  /** Why it cannot run here; undefined if it can. */
  readonly missing: string | undefined;
}

const ROOT = join(import.meta.dirname, "../..");
const built = (path: string): string => join(ROOT, path);

/** scripts/nodes.mjs fetches it. */
const NODE_24 = `build/nodes/linux-${process.arch}-24/bin/node`;
const onNode = (node: string) => [node, "--no-rehash-snapshot", built("dist/bin/proxy-init.cjs")] as const;

export const hosts: readonly ProgramHost[] = [
  { name: "node", command: onNode(process.execPath), missing: undefined },
  {
    name: "node 24",
    command: onNode(built(NODE_24)),
    missing: existsSync(built(NODE_24))
      ? undefined
      : `${NODE_24} is missing; node scripts/nodes.mjs fetches it`,
  },
  { name: "static", command: [built("dist/standalone/proxy-init")], missing: reasons.standalone },
];

/** A suite for each host. The tests of one that cannot run are skipped, and say why. */
export function describeHosts(subject: string, suite: (host: ProgramHost) => void): void {
  describe.each(hosts.map((host) => [host.name, host] as const))(`${subject}, on %s`, (_, host) => {
    skipBecause(host.missing);
    afterAll(removeCopy);
    suite(host);
  });
}

/** Skips the tests of the suite that it is called in, unless the reason is undefined. */
export function skipBecause(reason: string | undefined): void {
  if (reason === undefined) return;
  beforeEach((context) => context.skip(reason));
}

/** No variable of the machine's changes what is measured. */
export const env = {
  PATH: process.env.PATH ?? "",
  XTABLES_LOCKFILE: process.env.XTABLES_LOCKFILE ?? "",
};

let copy: string | undefined;

/** Where another user finds what was built: the clone may stand in a folder that only root may enter. */
function readableCopy(): string {
  if (copy !== undefined) return copy;
  const folder = mkdtempSync(join(tmpdir(), "sluice-built-"));
  chmodSync(folder, 0o755);
  const addons = ["nft", "legacy", "socket"].map((name) => `build/Release/${name}.node`);
  for (const part of ["dist/bin", "dist/standalone", ...addons]) {
    if (existsSync(built(part))) cpSync(built(part), join(folder, part), { recursive: true });
  }
  if (existsSync(built(NODE_24))) linkOrCopy(built(NODE_24), join(folder, NODE_24));
  copy = folder;
  return folder;
}

/** A hundred megabytes. */
function linkOrCopy(from: string, to: string): void {
  mkdirSync(dirname(to), { recursive: true });
  try {
    linkSync(from, to);
  } catch {
    cpSync(from, to); // another file system
  }
}

function removeCopy(): void {
  if (copy !== undefined) rmSync(copy, { recursive: true, force: true });
  copy = undefined;
}

/** Runs proxy-init in a namespace. */
export function proxyInit(
  { command: [file, ...first] }: ProgramHost,
  namespace: Place,
  args: readonly string[],
  options: ExecOptions = {},
): Promise<ExecResult> {
  const asOther = options.uid !== undefined;
  const place = (path: string) => (asOther ? readable(path) : path);
  const cwd = asOther ? { cwd: readableCopy() } : {};
  const all = [...first.map(place), ...args];
  return namespace.exec(place(file), all, { env, timeoutMs: 20_000, ...cwd, ...options });
}

/** Another program on this host. */
export function programOn(host: ProgramHost, name: string): ProgramHost {
  const [file, ...args] = host.command;
  const path = (part: string): string => part.replace(/\/proxy-init(?=$|\.cjs$)/, `/${name}`);
  return { ...host, command: [path(file), ...args.map(path)] };
}

/** `sluice COMMAND` on this host. */
export function sluiceCommand(host: ProgramHost, command: string): ProgramHost {
  const { command: sluice, ...rest } = programOn(host, "sluice");
  return { ...rest, command: [...sluice, command] };
}

/** Where every user may read it. */
function readable(path: string): string {
  return path.startsWith(`${ROOT}/`) ? join(readableCopy(), path.slice(ROOT.length)) : path;
}

/** Runs proxy-init as a pod does: uid and gid 65534, with the two capabilities that Linkerd's chart adds. */
export function proxyInitAsNobody(
  host: ProgramHost,
  namespace: Place,
  args: readonly string[],
  options: ExecOptions = {},
): Promise<ExecResult> {
  return runAsNobody(host, namespace, args, ["net_admin", "net_raw"], options);
}

/** Runs a program as uid and gid 65534, with these capabilities alone. */
export function runAsNobody(
  program: ProgramHost,
  namespace: Place,
  args: readonly string[],
  capabilities: readonly string[],
  options: ExecOptions = {},
): Promise<ExecResult> {
  const [file = "", ...all] = asNobody(program, args, capabilities);
  return namespace.exec(file, all, { env, timeoutMs: 20_000, cwd: readableCopy(), ...options });
}

/** The command line of a program as uid and gid 65534, with these capabilities and a way to no others. */
export function asNobody(
  { command }: ProgramHost,
  args: readonly string[],
  capabilities: readonly string[],
): readonly string[] {
  const kept = ["-all", ...capabilities.map((name) => `+${name}`)].join(",");
  const ids = ["--reuid=65534", "--regid=65534", "--clear-groups"];
  const rights = [`--inh-caps=${kept}`, `--ambient-caps=${kept}`, `--bounding-set=${kept}`];
  return ["setpriv", ...ids, ...rights, "--", ...command.map(readable), ...args];
}

/** Runs proxy-init in a namespace of its own, for another one by `--netns`. */
export async function proxyInitFromOutside(
  host: ProgramHost,
  namespace: Place,
  args: readonly string[],
): Promise<ExecResult> {
  await using outside = await createNamespace();
  return await proxyInit(host, outside, ["--netns", namespace.path, ...args]);
}

/** Both ways of naming the namespace to write to. */
export const ways = [
  ["inside the namespace", proxyInit],
  ["with --netns", proxyInitFromOutside],
] as const;

/** What Linkerd's chart passes, but for --ipv6=false. */
export const CHART: readonly string[] = [
  ...["--firewall-bin-path", "iptables-nft", "--firewall-save-bin-path", "iptables-nft-save"],
  ...["--incoming-proxy-port", "4143", "--outgoing-proxy-port", "4140", "--proxy-uid", "2102"],
  ...["--inbound-ports-to-ignore", "4190,4191,4567,4568", "--outbound-ports-to-ignore", "4567,4568"],
];

/** The smallest run without a warning. */
export const MINIMAL: readonly string[] = [
  ...["--iptables-mode", "nft", "--incoming-proxy-port", "4143", "--outgoing-proxy-port", "4140"],
  ...["--proxy-uid", "2102"],
];
