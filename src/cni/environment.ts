// SPDX-License-Identifier: GPL-2.0-or-later

import type { Host } from "../host/host.ts";
import { show } from "../policy/error.ts";
import { CniError, CODES } from "./error.ts";
import { type CniCommand, COMMANDS } from "./version.ts";

/** What a runtime says in variables of the environment (CNI specification 1.1.0, "Parameters"), as far as it matters here. */
export interface Environment {
  readonly containerId: string;
  /** Path of the container's network namespace; empty in a DEL when it is gone. */
  readonly netns: string;
  readonly pod: PodName | undefined;
}

/** The pod that is added, as the kubelet says by CNI_ARGS. */
export interface PodName {
  readonly namespace: string;
  readonly name: string;
}

/** @throws {CniError} if it is missing or none that there is. */
export function readCommand(host: Host): CniCommand {
  const text = host.env("CNI_COMMAND") ?? "";
  const command = COMMANDS.find((each) => each === text);
  if (command === undefined) {
    throw invalid("CNI_COMMAND", text, `is not one of ${COMMANDS.join(", ")}`);
  }
  return command;
}

/**
 * Checks the variables that a command for one container needs.
 *
 * @throws {CniError} for the first that is missing or makes no sense, naming it.
 */
export function readEnvironment(host: Host, command: "ADD" | "DEL" | "CHECK"): Environment {
  const containerId = host.env("CNI_CONTAINERID") ?? "";
  if (!/^[a-zA-Z0-9][a-zA-Z0-9_.-]*$/.test(containerId)) {
    throw invalid(
      "CNI_CONTAINERID",
      containerId,
      "is not letters, digits, _, . and -, of which the first is a letter or digit",
    );
  }
  const interfaceName = host.env("CNI_IFNAME") ?? "";
  if (!/^[^\s/:]{1,15}$/.test(interfaceName) || /^\.\.?$/.test(interfaceName)) {
    throw invalid("CNI_IFNAME", interfaceName, "is not the name of an interface");
  }
  const netns = host.env("CNI_NETNS") ?? "";
  if (netns === "" && command !== "DEL") throw invalid("CNI_NETNS", netns, "is no path of a namespace");
  // After an ADD that failed by it the runtime calls DEL, to which the pod does not matter.
  const args = command === "DEL" ? "" : (host.env("CNI_ARGS") ?? "");
  return { containerId, netns, pod: readPodName(args) };
}

/** What may be in the path of a request: RFC 1123 labels, with dots between in the name of a pod. */
const NAMESPACE = /^[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?$/;
const POD = /^[a-z0-9](?:[-.a-z0-9]{0,251}[a-z0-9])?$/;

function readPodName(args: string): PodName | undefined {
  const pairs = new Map<string, string>();
  for (const pair of args.split(";")) {
    if (pair === "") continue;
    const equals = pair.indexOf("=");
    if (equals <= 0) throw invalid("CNI_ARGS", pair, "is not of the form KEY=VALUE");
    pairs.set(pair.slice(0, equals), pair.slice(equals + 1));
  }
  const namespace = pairs.get("K8S_POD_NAMESPACE") ?? "";
  const name = pairs.get("K8S_POD_NAME") ?? "";
  // Who runs containers without Kubernetes says neither.
  if (namespace === "" || name === "") return undefined;
  if (!NAMESPACE.test(namespace)) {
    throw invalid("CNI_ARGS", namespace, "is not the name of a namespace, by K8S_POD_NAMESPACE");
  }
  if (!POD.test(name)) throw invalid("CNI_ARGS", name, "is not the name of a pod, by K8S_POD_NAME");
  return { namespace, name };
}

function invalid(variable: string, value: string, problem: string): CniError {
  const what = value === "" ? "is missing or empty" : `${show(value)} ${problem}`;
  return new CniError(CODES.invalidEnvironment, `${variable}: ${what}`);
}
