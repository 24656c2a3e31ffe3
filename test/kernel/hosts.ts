// SPDX-License-Identifier: GPL-2.0-or-later

// The hosts of proxy-init, Node's in two versions, and how the kernel tier runs it: always in throwaway namespaces. With
// SLUICE_ROOT=NAME there is one host instead, the static executable in that root (roots/root-host.ts).

import { chmodSync, cpSync, existsSync, linkSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect } from "vitest";
import {
  createNamespace,
  type ExecOptions,
  type ExecResult,
  type NetworkNamespace,
} from "../../src/testing/index.ts";
import { reasons } from "../setup/tiers.ts";
import { exceptionFor } from "./roots/exceptions.ts";
import {
  chosenRoot,
  type Identity,
  inRoot,
  isInRoot,
  POD,
  type RootName,
  whyNoRoot,
  withIdentity,
} from "./roots/root-host.ts";

/** Where programs run: a namespace of the test kit, or one that a program has made. */
export type Place = Pick<NetworkNamespace, "exec" | "path">;

export interface ProgramHost {
  readonly name: "node" | "node 24" | "static" | `static in the root ${RootName}`;
  /** proxy-init on this host, without its arguments. In a root it may differ from test to test: see roots/exceptions.ts. */
  readonly command: readonly [string, ...string[]];
  /** Why it cannot run here; undefined if it can. */
  readonly missing: string | undefined;
}

const ROOT = join(import.meta.dirname, "../..");
const built = (path: string): string => join(ROOT, path);

/** scripts/nodes.mjs fetches it. */
const NODE_24 = `build/nodes/linux-${process.arch}-24/bin/node`;
const onNode = (node: string) => [node, "--no-rehash-snapshot", built("dist/bin/proxy-init.cjs")] as const;

const STATIC = built("dist/standalone/proxy-init");

/** As whom the test that runs now has its programs run in a root. */
let identity: Identity = POD;

const rootHost = (root: RootName): ProgramHost => ({
  name: `static in the root ${root}`,
  get command() {
    return inRoot(root, identity, STATIC);
  },
  missing: reasons.standalone ?? whyNoRoot(root),
});

const ownHosts: readonly ProgramHost[] = [
  { name: "node", command: onNode(process.execPath), missing: undefined },
  {
    name: "node 24",
    command: onNode(built(NODE_24)),
    missing: existsSync(built(NODE_24))
      ? undefined
      : `${NODE_24} is missing; node scripts/nodes.mjs fetches it`,
  },
  { name: "static", command: [STATIC], missing: reasons.standalone },
];

export const hosts = chosenRoot === undefined ? ownHosts : [rootHost(chosenRoot)];

/** The suites that matter most in an image, which are run in a root each time. */
const inEmptyRoot = /\/kernel\/(bad-input|drop-in|fixtures|modes|validate)\.test\.ts$/;

/** A suite for each host. The tests of one that cannot run are skipped, and say why. */
export function describeHosts(subject: string, suite: (host: ProgramHost) => void): void {
  const chosen = chosenRoot === undefined && inEmptyRoot.test(expect.getState().testPath ?? "");
  const all = [...hosts, ...(chosen ? [rootHost("empty")] : [])].map((host) => [host.name, host] as const);
  describe.each(all)(`${subject}, on %s`, (_, host) => {
    skipBecause(host.missing);
    beforeAll(() => {
      identity = POD;
    });
    beforeEach((context) => {
      const exception = host.name.startsWith("static in") ? exceptionFor(context.task) : undefined;
      if (exception !== undefined && exception.as === undefined) context.skip(exception.reason);
      identity = exception?.as ?? POD;
    });
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
  { command }: ProgramHost,
  namespace: Place,
  args: readonly string[],
  options: ExecOptions = {},
): Promise<ExecResult> {
  const { uid, gid: _, ...others } = options;
  const inRootAsOther = uid === undefined ? undefined : withIdentity(command, { uid, capabilities: [] });
  if (inRootAsOther !== undefined) return execute(namespace, [...inRootAsOther, ...args], others);
  if (uid === undefined) return execute(namespace, [...command, ...args], options);
  return execute(namespace, [...command.map(readable), ...args], { cwd: readableCopy(), ...options });
}

function execute(
  namespace: Place,
  [file = "", ...args]: readonly string[],
  options: ExecOptions,
): Promise<ExecResult> {
  // In a pod's root the lock is the pod's own, in /run. Here it would be the file's, which root has made.
  const { XTABLES_LOCKFILE: _, ...withoutLock } = env;
  const usual = isInRoot([file, ...args]) && identity === POD ? withoutLock : env;
  return namespace.exec(file, args, { env: usual, timeoutMs: 20_000, ...options });
}

/** Another program on this host. */
export function programOn(host: ProgramHost, name: string): ProgramHost {
  const path = (part: string): string => part.replace(/\/proxy-init(?=$|\.cjs$)/, `/${name}`);
  return withCommand(host, ([file, ...args]) => [path(file), ...args.map(path)]);
}

/** `sluice COMMAND` on this host. */
export function sluiceCommand(host: ProgramHost, command: string): ProgramHost {
  return withCommand(programOn(host, "sluice"), (sluice) => [...sluice, command]);
}

/** Made anew whenever it is asked for: in a root the host's differs from test to test. */
function withCommand(
  host: ProgramHost,
  change: (command: ProgramHost["command"]) => ProgramHost["command"],
): ProgramHost {
  return {
    name: host.name,
    missing: host.missing,
    get command() {
      return change(host.command);
    },
  };
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
  return execute(namespace, asNobody(program, args, capabilities), { cwd: readableCopy(), ...options });
}

/** The command line of a program as uid and gid 65534, with these capabilities and a way to no others. */
export function asNobody(
  { command }: ProgramHost,
  args: readonly string[],
  capabilities: readonly string[],
): readonly string[] {
  const confined = withIdentity(command, { uid: 65534, capabilities });
  if (confined !== undefined) return [...confined, ...args];
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
