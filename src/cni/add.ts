// SPDX-License-Identifier: GPL-2.0-or-later

import { NetfilterError } from "../kernel/error.ts";
import { install } from "../kernel/install.ts";
import { installByDefault } from "../kernel/install-by-default.ts";
import type { InstallReport, Target } from "../kernel/report.ts";
import type { Log } from "../log/log.ts";
import { familyNames } from "../policy/family-names.ts";
import type { RedirectPolicy } from "../policy/policy.ts";
import { compile } from "../ruleset/compile.ts";
import { iptablesSave, savedChains } from "../ruleset/iptables-save.ts";
import { nftRuleset } from "../ruleset/nft-text.ts";
import type { Ruleset } from "../ruleset/ruleset.ts";
import { ApiServer } from "./api/api-server.ts";
import { readKubeconfig } from "./api/kubeconfig.ts";
import { lookUpPod, type MeshedPod } from "./api/look-up.ts";
import type { Environment, PodName } from "./environment.ts";
import { CniError, CODES } from "./error.ts";
import { wrong } from "./fields.ts";
import { checkNamespace } from "./netns.ts";
import type { LinkerdConfig, NetworkConfig } from "./network-config.ts";
import { podPolicy } from "./pod-policy.ts";
import type { World } from "./world.ts";

/** For all questions to the API server together. */
const API_TIMEOUT_MS = 10_000;
/** For the rules, with and without use-wait-flag: how long other writers are waited for. No runtime waits for ever. */
const RULES_TIMEOUT_MS = { waiting: 60_000, usual: 5000 };

/**
 * ADD: writes the rules that a meshed pod needs, and none for any other. What it holds already is not sent again.
 *
 * @throws {CniError} The kernel then holds what it held before, unless it says something else.
 */
export async function add(
  world: World,
  log: Log,
  config: NetworkConfig,
  { netns, pod }: Environment,
): Promise<void> {
  if (pod === undefined) {
    log.info("no rules: CNI_ARGS names no pod");
    return;
  }
  const title = `pod ${pod.namespace}/${pod.name}`;
  if (config.excludedNamespaces.includes(pod.namespace)) {
    log.info(`${title}: no rules: its namespace is excluded by kubernetes.exclude_namespaces`);
    return;
  }
  const { linkerd } = config;
  if (linkerd === undefined) throw wrong("linkerd", "is missing: what shall be redirected");
  await checkNamespace(world, netns);
  const found = await lookUp(world, log, config, pod);
  if (found.pod === undefined) {
    log.info(`${title}: no rules: ${found.reason}`);
    return;
  }
  await writeRules(world, log, { title, linkerd, netns, pod: found.pod });
}

async function lookUp(world: World, log: Log, { kubeconfig = "" }: NetworkConfig, pod: PodName) {
  if (kubeconfig === "") {
    throw wrong(
      "kubernetes.kubeconfig",
      "is missing: the path of a kubeconfig, by which the pod is looked up",
    );
  }
  const credentials = await readKubeconfig(world.host, kubeconfig);
  const api = new ApiServer(world.https, credentials, API_TIMEOUT_MS);
  return await lookUpPod(api, pod, (message) => log.warning(message));
}

interface Meshed {
  readonly title: string;
  readonly linkerd: LinkerdConfig;
  readonly netns: string;
  readonly pod: MeshedPod;
}

async function writeRules(world: World, log: Log, { title, linkerd, netns, pod }: Meshed): Promise<void> {
  const policy = podPolicy(linkerd, pod, (problem) => log.error(problem));
  if ((policy.proxy?.uid ?? 0) === 0 && (policy.proxy?.gid ?? 0) === 0) {
    log.warning(
      `${title}: no loop guard: neither a user nor a group of the proxy's is named, so its own connections are redirected back to it`,
    );
  }
  if (linkerd.simulate) {
    const { mode } = linkerd;
    const ruleset = compile(policy, mode === undefined || mode === "auto" ? "nft" : mode);
    log.info(`${title}: simulate is on, nothing is touched: it would hold\n${rulesetText(ruleset)}`);
    return;
  }
  const target = {
    netns,
    timeoutMs: linkerd.useWaitFlag ? RULES_TIMEOUT_MS.waiting : RULES_TIMEOUT_MS.usual,
    ...(linkerd.ipv6 ? {} : { families: ["ipv4" as const] }),
  };
  const report = await installAs(world, log, policy, target, linkerd.mode);
  logReport(log, title, report);
}

/** As iptables or nft would list it; in both families, as if the kernel had IPv6. */
function rulesetText(ruleset: Ruleset): string {
  if (ruleset.mode === "nftables") return nftRuleset(ruleset);
  return ruleset.tables
    .flatMap(({ name, family }) =>
      family === "inet" ? [] : [iptablesSave(name, savedChains(ruleset, family))],
    )
    .join("");
}

async function installAs(
  { host }: World,
  log: Log,
  policy: RedirectPolicy,
  target: Target,
  mode: LinkerdConfig["mode"],
): Promise<InstallReport> {
  try {
    if (mode === undefined) {
      return await installByDefault(host, policy, target, (message) => log.warning(message));
    }
    return await install(host, policy, { ...target, mode });
  } catch (error) {
    if (!(error instanceof NetfilterError)) throw error;
    const later = error.code === "timed-out";
    throw new CniError(later ? CODES.tryAgainLater : CODES.rulesRefused, `the rules: ${error.message}`);
  }
}

function logReport(
  log: Log,
  title: string,
  { mode, changed, families, removed, stale }: InstallReport,
): void {
  const present = families.filter((family) => family.present);
  const names = familyNames(present.map(({ family }) => family));
  const what = changed ? "rules written" : "the kernel already held exactly these rules, nothing was sent";
  log.info(`${title}: ${what} for ${names} in mode ${mode}`);
  for (const { mode: other } of removed)
    log.info(`${title}: rules of an earlier run in mode ${other} removed`);
  for (const { mode: other, family } of stale) {
    log.warning(
      `${title}: rules of an earlier run in mode ${other} stay for ${family}, which linkerd.ipv6 leaves alone`,
    );
  }
  for (const { family, rules } of present) {
    log.debug(`${title}: ${family}\n${rules.map(({ text }) => text).join("\n")}`);
  }
}
