// SPDX-License-Identifier: GPL-2.0-or-later

import type { Host } from "../host/host.ts";
import type { Confirmation } from "../kernel/confirm.ts";
import { type Explanation, explainInstalled, explainRuleset, type Question } from "../kernel/explain.ts";
import { findRoute } from "../kernel/look.ts";
import { ruleTextIn } from "../ruleset/mode-text.ts";
import type { Ruleset } from "../ruleset/ruleset.ts";
import { colourOf } from "./colour.ts";
import type { Command } from "./command.ts";
import type { ConfigParser } from "./config.ts";
import { checkProbe, PROBE, PROBE_CODES, probeNamespace, TIMEOUT } from "./explain-probe.ts";
import { probeFields, probeSentence } from "./explain-probe-text.ts";
import { QUESTION_FLAGS, readQuestion } from "./explain-question.ts";
import { explanationText } from "./explain-text.ts";
import { flagCommand } from "./flag-command.ts";
import { flagHelp, HELP } from "./flag-help.ts";
import {
  CONFIG,
  INCOMING_PROXY_PORT,
  INIT_FLAGS,
  NETNS as INIT_NETNS,
  OUTGOING_PROXY_PORT,
} from "./init-flags.ts";
import { readInitOptions } from "./init-options.ts";
import { planRuleset } from "./init-plan.ts";
import { JSON_OUTPUT, jsonText } from "./json-output.ts";
import { NETNS, PID, readNamespace } from "./namespace-flags.ts";
import type { Flag, ParsedFlags } from "./pflag.ts";

const OWN_FLAGS: readonly Flag<unknown>[] = [
  ...QUESTION_FLAGS,
  PROBE,
  TIMEOUT,
  NETNS,
  PID,
  JSON_OUTPUT,
  HELP,
];
/** Those of init that say what the rules are. */
const PLAN_FLAGS = INIT_FLAGS.filter((flag) => flag !== INIT_NETNS && flag !== HELP);

/** `sluice explain`: where one connection goes, and why. Changes nothing, and opens nothing unless it is told to. */
export function explainCommand(parseConfig: ConfigParser): Command {
  return flagCommand({
    name: "explain",
    summary: "Say where one connection goes, and by which rule",
    flags: [...OWN_FLAGS, ...PLAN_FLAGS],
    help: helpText,
    async body({ host, flags, log }) {
      const asked = readQuestion(flags);
      const netns = readNamespace(flags);
      const planned = [CONFIG, INCOMING_PROXY_PORT, OUTGOING_PROXY_PORT].find((flag) => flags.given(flag));
      checkProbe(flags, planned);
      const { question, explanation, route, confirmation } =
        planned !== undefined
          ? await explainPlan(flags, asked, { host, log, parseConfig })
          : await explainNamespace(host, netns, asked, flags);
      const probed = confirmation === undefined ? "" : probeSentence(confirmation);
      if (flags.value(JSON_OUTPUT)) {
        const probe = confirmation && { probe: probeFields(confirmation, probed) };
        host.write(1, jsonText({ question, ...explanation, ...probe, ...(route === "" ? {} : { route }) }));
      } else host.write(1, explanationText(question, explanation, { route, probed }, colourOf(host)));
      return confirmation === undefined ? 0 : PROBE_CODES[confirmation.verdict];
    },
  });
}

interface Answer {
  readonly question: Question;
  readonly explanation: Explanation;
  /** What there is to say of the pod's routes; empty: nothing. */
  readonly route: string;
  /** What a probe has shown; absent: there was none. */
  readonly confirmation?: Confirmation;
}

async function explainPlan(
  flags: ParsedFlags,
  question: Question,
  surroundings: Parameters<typeof readInitOptions>[1],
): Promise<Answer> {
  const ruleset = planRuleset(await readInitOptions(flags, surroundings));
  return { question, explanation: explainRuleset(question, ruleset, textsOf(ruleset)), route: "" };
}

function textsOf({ mode, baseChains, chains }: Ruleset): (chain: string, index: number) => string {
  const all = [...baseChains.map(({ name, jumps }) => ({ name, rules: jumps })), ...chains];
  return (chain, index) => {
    const rule = all.find(({ name }) => name === chain)?.rules[index];
    return rule === undefined ? "" : ruleTextIn(mode, chain, rule, rule.families);
  };
}

/** What the flags do not say of the interface, the namespace's routes do. */
async function explainNamespace(
  host: Host,
  netns: string | undefined,
  asked: Question,
  flags: ParsedFlags,
): Promise<Answer> {
  const { direction, packet } = asked;
  const [address, known] =
    direction === "out" ? [packet.destination, packet.outInterface] : [packet.source, packet.inInterface];
  let question = asked;
  let route = "";
  if (address !== undefined && known === undefined) {
    const name = await findRoute(host, netns, address);
    if (name !== undefined) {
      const way = direction === "out" ? { outInterface: name } : { inInterface: name };
      question = { ...asked, packet: { ...packet, ...way } };
    } else if (direction === "out") {
      route = `there is no route to ${address}: connect(2) fails before any rule is met`;
    }
  }
  if (flags.value(PROBE)) {
    return { ...(await probeNamespace(host, netns, question, flags.value(TIMEOUT))), route };
  }
  const explanation = await explainInstalled(host, question, netns === undefined ? {} : { netns });
  return { question, explanation, route };
}

function helpText(program: string): string {
  return `Walks the rules that are installed, or with flags of init those that it would write, for one
connection: each rule that it meets, whether it applies and why not, and what becomes of the
connection. Nothing changes, and without --probe nothing is opened.

Usage:
  ${program} --to ADDRESS:PORT [--uid UID] [flags]
  ${program} --direction in --from ADDRESS --to [ADDRESS]:PORT [flags]

Flags:
${flagHelp(OWN_FLAGS)}
Exit code with --probe: 0 when the kernel did the same, or has answered what the rules alone do
not tell; 2 when it did otherwise; 3 when that cannot be told.

Instead of the installed rules, those that init would write with these flags:
${flagHelp(PLAN_FLAGS)}`;
}
