// SPDX-License-Identifier: GPL-2.0-or-later

import { NetfilterError } from "../kernel/error.ts";
import type { Finding, FindingCode } from "../kernel/findings.ts";
import { findListeners } from "../kernel/look.ts";
import type { ModeInspection } from "../kernel/report.ts";
import { type RecoveredPolicy, readStatus, type Status } from "../kernel/status.ts";
import type { Log } from "../log/log.ts";
import { FAMILY_NAMES } from "../policy/family-names.ts";
import type { PortSpec } from "../policy/policy.ts";
import { type PortRange, parsePortSpec } from "../policy/ports.ts";
import { portsWithout } from "../ruleset/intervals.ts";
import type { Environment } from "./environment.ts";
import { CniError, CODES } from "./error.ts";
import { checkNamespace } from "./netns.ts";
import type { LinkerdConfig, NetworkConfig } from "./network-config.ts";
import type { World } from "./world.ts";

/**
 * What may be so in a pod that is as it should be: the proxy starts after the rules, others may have rules of their own, and a jump
 * that they have made stays as an ADD finds it.
 */
const HARMLESS: readonly FindingCode[] = [
  "nobody-listens",
  "foreign-first",
  "entered-narrowly",
  "entered-twice",
];

/**
 * CHECK: whether the rules are still there, whole, in agreement with one another and with what of the configuration no annotation
 * can change. Asks nobody but the kernel, so what a pod's annotations say is not known here; nor is whether it is meshed: one
 * without rules is wrong if a proxy listens in it.
 *
 * @throws {CniError} that says what is wrong
 */
export async function check(
  world: World,
  log: Log,
  config: NetworkConfig,
  { netns, pod }: Environment,
): Promise<void> {
  await checkNamespace(world, netns);
  const { linkerd } = config;
  if (linkerd === undefined || linkerd.simulate) return;
  if (pod !== undefined && config.excludedNamespaces.includes(pod.namespace)) return;
  const problems = await problemsIn(world, linkerd, netns);
  const [first] = problems;
  if (first === undefined) return log.info("the rules are as they should be, or none are needed");
  const more = problems.length === 1 ? "" : `; and ${problems.length - 1} more`;
  throw new CniError(
    CODES.rulesWrong,
    `the rules are not as they should be: ${first}${more}`,
    problems.join("\n"),
  );
}

async function problemsIn({ host }: World, linkerd: LinkerdConfig, netns: string): Promise<string[]> {
  try {
    const status = await readStatus(host, { netns });
    const installed = status.modes.filter((mode) => mode.installed);
    if (installed.length === 0) return await withoutRules({ host }, linkerd, netns);
    return [
      ...new Set([
        ...status.findings.filter((finding) => isWrong(finding, linkerd)).map(findingText),
        ...modeProblems(installed, linkerd),
        ...familyProblems(status, linkerd),
        ...status.policies.flatMap((recovered) => policyProblems(recovered, linkerd)),
      ]),
    ];
  } catch (error) {
    if (error instanceof NetfilterError)
      throw new CniError(CODES.rulesRefused, `the rules: ${error.message}`);
    throw error;
  }
}

/** The proxy is who listens on both of its ports. */
async function withoutRules(
  { host }: Pick<World, "host">,
  { incomingProxyPort, outgoingProxyPort }: LinkerdConfig,
  netns: string,
): Promise<string[]> {
  const listeners = await findListeners(host, netns, [incomingProxyPort, outgoingProxyPort], []);
  const usersOf = (wanted: number) => listeners.filter(({ port }) => port === wanted).map(({ uid }) => uid);
  const outgoing = usersOf(outgoingProxyPort);
  if (!usersOf(incomingProxyPort).some((uid) => outgoing.includes(uid))) return [];
  return [
    `they are missing: a proxy listens on ports ${incomingProxyPort} and ${outgoingProxyPort}, and connections pass it by`,
  ];
}

function isWrong({ code }: Finding, { ipv6, proxyUid, proxyGid }: LinkerdConfig): boolean {
  if (HARMLESS.includes(code)) return false;
  // As configured.
  if (code === "one-family") return ipv6;
  if (code === "no-loop-guard") return proxyUid > 0 || proxyGid > 0;
  return true;
}

function findingText({ family, message }: Finding): string {
  return family === undefined ? message : `${FAMILY_NAMES[family]}: ${message}`;
}

function modeProblems(installed: readonly ModeInspection[], { mode }: LinkerdConfig): string[] {
  // By default it is legacy or what there is.
  if (mode === undefined || mode === "auto") return [];
  return installed
    .filter((found) => found.mode !== mode)
    .map((found) => `they are in mode ${found.mode}, and linkerd.iptables-mode is ${mode}`);
}

function familyProblems({ policies }: Status, { ipv6 }: LinkerdConfig): string[] {
  const found = policies.map(({ family }) => family);
  return [
    ...(found.includes("ipv4") ? [] : ["IPv4: there are no rules"]),
    ...(found.includes("ipv6") && !ipv6 ? ["IPv6: there are rules, and linkerd.ipv6 is false"] : []),
  ];
}

/** Annotations can add to the inbound ports to ignore, and replace the lists of outbound ports and of subnets. */
function policyProblems({ family, policy }: RecoveredPolicy, linkerd: LinkerdConfig): string[] {
  const { inbound, outbound } = policy;
  const problems = [
    ...portProblem("incoming-proxy-port", inbound?.proxyPort, linkerd.incomingProxyPort),
    ...portProblem("outgoing-proxy-port", outbound?.proxyPort, linkerd.outgoingProxyPort),
    ...listProblem("ports-to-redirect", inbound?.redirectPorts ?? [], linkerd.portsToRedirect, true),
    ...listProblem("inbound-ports-to-ignore", inbound?.skipPorts ?? [], linkerd.inboundPortsToIgnore, false),
  ];
  return problems.map((problem) => `${FAMILY_NAMES[family]}: ${problem}`);
}

function portProblem(name: string, found: number | undefined, wanted: number): string[] {
  // A chain that redirects nothing is a finding.
  if (found === undefined || found === wanted) return [];
  return [`connections are redirected to port ${found}, and linkerd.${name} is ${wanted}`];
}

function listProblem(
  name: string,
  found: readonly PortSpec[],
  wanted: readonly PortSpec[],
  exactly: boolean,
): string[] {
  const held = found.map(parsePortSpec);
  const configured = wanted.map(parsePortSpec);
  const missing = portsWithout(configured, held);
  const surplus = exactly ? portsWithout(held, configured) : [];
  return [
    ...missing.map((ports) => `no rule is for ${portText(ports)}, which linkerd.${name} names`),
    ...surplus.map((ports) => `a rule is for ${portText(ports)}, which linkerd.${name} does not name`),
  ];
}

function portText({ first, last }: PortRange): string {
  return first === last ? `port ${first}` : `ports ${first} to ${last}`;
}
