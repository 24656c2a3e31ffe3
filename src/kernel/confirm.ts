// SPDX-License-Identifier: GPL-2.0-or-later

import type { Host } from "../host/host.ts";
import { type Comparison, compareWithKernel } from "./compare.ts";
import { type Explanation, explainInspection, type MetRule, type Question } from "./explain.ts";
import { inspect } from "./inspect.ts";
import { openProbe, type ProbeResult } from "./probe.ts";
import type { Inspection, Target } from "./report.ts";
import { Rises } from "./rises.ts";

/** What a probe has shown. */
export interface Confirmation extends Omit<Comparison, "verdict"> {
  /**
   * "answered": the rules alone did not tell, the kernel did. "unclear": the kernel does not tell either. "not-opened": no
   * packet met a rule.
   */
  readonly verdict: Comparison["verdict"] | "not-opened";
  /** How many connections were opened. */
  readonly connections: number;
  /** The first of them; where it went, the last of which that is known. */
  readonly probe: ProbeResult;
}

export interface Confirmed {
  /** With what the probe has added: whose the connection is, and from where. */
  readonly question: Question;
  readonly explanation: Explanation;
  readonly confirmation: Confirmation;
}

/** Connections of others raise counters, too: the rules that count every probe are few after so many. */
const MOST_CONNECTIONS = 4;

/**
 * Explains a connection by the rules that a namespace holds, opens it there, and looks which rules counted it.
 *
 * @param question Outbound without its interface, which the routes decide; inbound with the one by which it would come in. TCP.
 * @param timeoutMs How long to wait for somebody to answer it.
 * @throws {NetfilterError} for a namespace that cannot be entered, and for what goes wrong while reading.
 */
export async function confirmByProbe(
  host: Host,
  question: Question,
  target: Target,
  timeoutMs: number,
): Promise<Confirmed> {
  const rises = new Rises(await inspect(host, target), question.family);
  let probe: ProbeResult | undefined;
  for (let connections = 1; ; connections++) {
    const result = await open(host, question, target, connections === 1 ? timeoutMs : 0);
    const { wentTo } = result;
    probe = { ...(probe ?? result), ...(wentTo === undefined ? {} : { wentTo }) };
    const after = await inspect(host, target);
    rises.add(after);
    const asked = completed(question, result);
    const explanation = explainInspection(asked, after);
    const conclude = (
      comparison: Omit<Confirmation, "connections" | "probe">,
      by: ProbeResult,
    ): Confirmed => ({
      question: asked,
      explanation,
      confirmation: { ...comparison, connections, probe: by },
    });
    if (result.outcome === "not-sent" || result.outcome === "no-device") {
      return conclude({ verdict: "not-opened", counted: [] }, result);
    }
    const blind = dependingOnDevice(asked, explanation, after, result);
    if (blind !== undefined) {
      return conclude({ verdict: "unclear", because: "device", rule: blind, counted: [] }, probe);
    }
    const comparison = compareWithKernel(explanation, after, asked, rises.common, probe);
    const certain =
      comparison.verdict === "same" || (comparison.verdict === "answered" && wentTo !== undefined);
    if (certain || comparison.because === "no-counter" || connections === MOST_CONNECTIONS) {
      return conclude(comparison, probe);
    }
  }
}

function open(
  host: Host,
  { direction, packet }: Question,
  { netns }: Target,
  timeoutMs: number,
): Promise<ProbeResult> {
  const { destination: address, destinationPort: port, source: from } = packet;
  const where = netns === undefined ? {} : { netns };
  const to = { direction, ...(address === undefined ? {} : { address }), port };
  const whence = from === undefined ? {} : { from };
  if (direction === "in") {
    // Connection tracking may still remember the last one.
    const fromPort = 32768 + Math.floor(Math.random() * 28232);
    return openProbe(host, { ...where, ...to, ...whence, fromPort, timeoutMs });
  }
  const ids = {
    ...(typeof packet.uid === "number" ? { uid: packet.uid } : {}),
    ...(typeof packet.gid === "number" ? { gid: packet.gid } : {}),
  };
  // So that nobody but the next hop ever gets it.
  return openProbe(host, { ...where, ...to, ...whence, ...ids, hopLimit: 1, timeoutMs });
}

function completed(question: Question, { source, destination, uid, gid }: ProbeResult): Question {
  const known = {
    ...(source === undefined ? {} : { source: source.address }),
    ...(destination === undefined ? {} : { destination: destination.address }),
    ...(uid === undefined ? {} : { uid }),
    ...(gid === undefined ? {} : { gid }),
  };
  return { ...question, packet: { ...question.packet, ...known } };
}

/** A probe from outside comes in by a device of its own. The first rule that applies otherwise for that; undefined: none does. */
function dependingOnDevice(
  question: Question,
  explanation: Explanation,
  inspection: Inspection,
  { cameInBy }: ProbeResult,
): MetRule | undefined {
  if (cameInBy === undefined) return undefined;
  const packet = { ...question.packet, inInterface: cameInBy };
  const steps = explainInspection({ ...question, packet }, inspection).walks.flatMap((walk) => walk.steps);
  const asked = explanation.walks.flatMap((walk) => walk.steps);
  return asked.find(({ rule, applies }, i) => steps[i]?.rule !== rule || steps[i]?.applies !== applies)?.rule;
}
