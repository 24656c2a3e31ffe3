// SPDX-License-Identifier: GPL-2.0-or-later

// Every command of the CNI specification in every version and four situations: what was seen, as a table.

import { VERSIONS } from "../../../src/cni/version.ts";
import { createNamespace, type NetworkNamespace } from "../../../src/testing/index.ts";
import type { ProgramHost } from "../hosts.ts";
import { generation, savedRules } from "../kernel-state.ts";
import type { Node } from "./run-plugin.ts";
import { runPlugin } from "./run-plugin.ts";

export const COMMANDS = ["ADD", "DEL", "CHECK", "STATUS", "GC", "VERSION"] as const;
export const SITUATIONS = [
  "first call",
  "repeated call",
  "after another plugin failed",
  "namespace gone",
] as const;

type Command = (typeof COMMANDS)[number];
type Situation = (typeof SITUATIONS)[number];

/** What the specification asks (CNI specification 1.1.0, sections 2 and 5). */
export const ASKED: Readonly<Record<Command, Readonly<Record<Situation, string>>>> = {
  ADD: {
    "first call": "prevResult passed through, the rest done",
    "repeated call": "not to be called twice without a DEL; ours is idempotent",
    "after another plugin failed": "the chain is taken down by DEL and set up anew",
    "namespace gone": "an error that names the variable",
  },
  DEL: {
    "first call": "what ADD did is undone",
    "repeated call": "success: nothing is left to do",
    "after another plugin failed": "success, though ADD never came and there is no prevResult",
    "namespace gone": "success, with or without its path",
  },
  CHECK: {
    "first call": "success after ADD",
    "repeated call": "the same again",
    "after another plugin failed": "success: the chain was taken down, and nothing is expected",
    "namespace gone": "an error",
  },
  STATUS: {
    "first call": "success if an ADD could be served",
    "repeated call": "the same again",
    "after another plugin failed": "the same: it is no container's",
    "namespace gone": "the same",
  },
  GC: {
    "first call": "success: what belongs to no valid attachment is gone",
    "repeated call": "the same again",
    "after another plugin failed": "the same",
    "namespace gone": "the same",
  },
  VERSION: {
    "first call": "the caller's version and all that are supported",
    "repeated call": "the same again",
    "after another plugin failed": "the same",
    "namespace gone": "the same",
  },
};

/** Calls the plugin in a situation and says in a few words what came of it. */
export async function observe(
  host: ProgramHost,
  node: Node,
  { command, situation, cniVersion }: { command: Command; situation: Situation; cniVersion: string },
): Promise<string> {
  await using namespace = await createNamespace();
  const prevResult = { cniVersion, interfaces: [{ name: "eth0" }], ips: [], dns: { domain: "kept" } };
  const config = node.config({ cniVersion, prevResult });
  const without = node.config({ cniVersion });
  const call = (each: string, configuration: unknown, place: NetworkNamespace | undefined = namespace) =>
    runPlugin(host, { command: each, config: configuration, netns: place?.path });

  if (situation !== "first call" && situation !== "namespace gone") await call("ADD", config);
  if (situation === "first call" && command !== "ADD") await call("ADD", config);
  if (situation === "after another plugin failed") {
    await call("DEL", without);
    if (command === "DEL") await call("DEL", without);
  } else if (situation === "repeated call" && command !== "ADD") await call(command, config);

  const before = await generation(namespace);
  const gone = situation === "namespace gone";
  const path = gone ? "/run/netns/sluice-gone" : namespace.path;
  const inDel = command === "DEL" && situation === "after another plugin failed";
  const seen = await runPlugin(host, { command, config: inDel ? without : config, netns: path });
  if (command === "DEL" && gone) {
    const again = await runPlugin(host, { command, config: without });
    if (again.code !== 0 || again.stdout !== "") throw new Error(`a DEL without a path: ${again.stdout}`);
  }
  return [describeOutput(seen, prevResult), ...(await describeKernel(namespace, before))].join(", ");
}

function describeOutput(
  { code, result, stdout }: Awaited<ReturnType<typeof runPlugin>>,
  prevResult: object,
): string {
  if (code !== 0)
    return `error ${String(result?.code)}${/CNI_NETNS/.test(stdout) ? " naming CNI_NETNS" : ""}`;
  if (result === undefined) return "success";
  if (JSON.stringify(result) === JSON.stringify(prevResult)) return "prevResult";
  const supported = JSON.stringify(result.supportedVersions) === JSON.stringify(VERSIONS);
  return supported
    ? `${String(result.cniVersion) === String(Reflect.get(prevResult, "cniVersion")) ? "the caller's version" : "another version"} and all supported`
    : stdout;
}

async function describeKernel(namespace: NetworkNamespace, before: number): Promise<string[]> {
  const { v4, v6 } = await savedRules(namespace);
  const rules = [...v4, ...v6].filter((rule) => rule.startsWith("-A") && rule.includes("PROXY_INIT")).length;
  const sent = (await generation(namespace)) !== before;
  if (!sent) return rules === 0 ? [] : ["rules stay"];
  return [rules === 0 ? "rules taken out" : "rules written"];
}

/** A row of the table: versions that behave alike are named together. */
export function row(command: Command, situation: Situation, seen: ReadonlyMap<string, string>): string {
  const groups: { versions: string[]; what: string }[] = [];
  for (const [version, what] of seen) {
    const last = groups.at(-1);
    if (last?.what === what) last.versions.push(version);
    else groups.push({ versions: [version], what });
  }
  const text = groups.map(({ versions, what }) => {
    if (versions.length === VERSIONS.length) return what;
    const [first, last] = [versions[0], versions.at(-1)];
    return `${first === last ? first : `${first} to ${last}`}: ${what}`;
  });
  return `| ${command} | ${situation} | ${ASKED[command][situation]} | ${text.join("; ")} |`;
}

/** The table, between marks in docs/cni.md. */
export function table(rows: readonly string[]): string {
  return ["| command | situation | asked | seen |", "|---|---|---|---|", ...rows].join("\n");
}
