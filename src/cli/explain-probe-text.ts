// SPDX-License-Identifier: GPL-2.0-or-later

import type { KernelDecision } from "../kernel/compare.ts";
import type { Confirmation } from "../kernel/confirm.ts";
import type { Failure } from "../kernel/exchange.ts";
import { type MetRule, naming } from "../kernel/explain.ts";
import type { ProbeResult } from "../kernel/probe.ts";
import { formatEndpoint } from "./endpoint.ts";

/** What a probe has shown, in a sentence without a full stop. */
export function probeSentence(confirmation: Confirmation): string {
  const { verdict, decision = { verdict: "unknown" }, probe } = confirmation;
  switch (verdict) {
    case "same":
      return `the kernel did the same: ${counting(decision)}${fate(decision, probe)}`;
    case "otherwise":
      if (decision.verdict === "unmet") return `the kernel did otherwise: ${UNMET}`;
      return `the kernel did otherwise: ${outcome(decision, probe)}: ${counting(decision)}${fate(decision, probe)}`;
    case "answered":
      return `the kernel decides: ${outcome(decision, probe)}: ${counting(decision)}${fate(decision, probe)}`;
    case "unclear":
      return `not confirmed: ${uncertainty(confirmation)}`;
    case "not-opened":
      return `not confirmed: ${hindrance(probe)}`;
  }
}

/** The same for machines. */
export function probeFields({ probe, ...found }: Confirmation, sentence: string): object {
  return { sentence, ...found, ...probe };
}

const UNMET =
  "no rule counted the connection: it was dropped or sent elsewhere before them, or connection tracking is told to leave it alone";

function outcome({ verdict, port }: KernelDecision, { wentTo }: ProbeResult): string {
  if (verdict === "redirected") return `redirected to port ${port}`;
  if (verdict === "elsewhere" && wentTo !== undefined) return `sent to ${formatEndpoint(wentTo)}`;
  return verdict;
}

function counting({ verdict, rule }: KernelDecision): string {
  if (rule !== undefined)
    return `${naming(rule)} ${rule.counters === null ? "met" : "counted"} the connection`;
  return verdict === "direct" || verdict === "dropped"
    ? "no rule decided on the connection"
    : "a rule that sluice does not read decided on the connection";
}

function fate(
  { verdict }: KernelDecision,
  { wentTo, outcome: became, failure, rejecter }: ProbeResult,
): string {
  const moved = verdict === "redirected" && wentTo !== undefined;
  const went = moved ? `, which went to ${formatEndpoint(wentTo)}` : "";
  const and = moved ? " and" : ", which";
  switch (became) {
    case "established":
      return `${went}${and} was accepted`;
    case "timed-out":
      return `${went}${and} nobody answered`;
    case "rejected":
      if (rejecter !== undefined) return `${went}${and} ${rejecter} sent back (${failure?.name})`;
      return `${went}${and} ${failure?.name === "ECONNREFUSED" ? "was refused" : `came back: ${reasonOf(failure)}`}`;
    default:
      return went;
  }
}

function uncertainty({ because, rule, counted, connections }: Confirmation): string {
  switch (because) {
    case "others": {
      const rules = counted.map(naming).join("; ");
      return `others opened connections meanwhile; what counted each of ${connections} probes is more than one meets: ${rules}`;
    }
    case "no-counter":
      return `${rule === undefined ? "the rule" : naming(rule)} has no counter, and where the connection went is not known`;
    case "device":
      return `${rule === undefined ? "a rule" : naming(rule)} asks by which interface it comes in, and a probe comes in by a device of its own`;
    case "unmet":
      return UNMET;
    default:
      return `${lastOf(counted)} counted the connection last, and what it does is not known`;
  }
}

function lastOf(counted: readonly MetRule[]): string {
  const rule = counted.at(-1);
  return rule === undefined ? "no rule" : naming(rule);
}

function hindrance({ outcome: became, failure }: ProbeResult): string {
  const { name = "", syscall = "" } = failure ?? {};
  if (became === "no-device") {
    const missing = { EPERM: "the capability NET_ADMIN", ENOENT: "the device /dev/net/tun" }[name];
    return missing === undefined
      ? `no device can be made for it to come in by: ${reasonOf(failure)}`
      : `a connection from outside needs ${missing}`;
  }
  if (syscall === "setfsuid" || syscall === "setfsgid") {
    return "a connection of another user or group needs the capability SETUID or SETGID, and an id that is mapped";
  }
  return `the connection cannot be opened: ${reasonOf(failure)}: no rule is met`;
}

function reasonOf(failure: Failure | undefined): string {
  return failure === undefined ? "" : `${failure.reason} (${failure.name})`;
}
