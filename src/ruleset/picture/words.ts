// SPDX-License-Identifier: GPL-2.0-or-later

import type { Family } from "../../policy/policy.ts";
import { conditionText } from "./conditions.ts";
import type { Decision, Direction, Entrance, Outcome, Way, Ways } from "./ways.ts";

// What a picture says, in whatever format it is drawn.

const BOTH: readonly Family[] = ["ipv4", "ipv6"];

export const TITLE = "Where the connections of a pod go";

/** `Mode nft: table nat, IPv4 and IPv6` */
export function subtitle({ mode, tables, ways }: Ways): string {
  const names = [...new Set(tables.map(({ family, name }) => (family === "inet" ? `inet ${name}` : name)))];
  const inTables = tables.flatMap(({ family }) => (family === "inet" ? BOTH : [family]));
  // A table for both families may be entered by one of them alone.
  const entering = BOTH.filter((family) => ways.some(({ families }) => families.includes(family)));
  return `Mode ${mode}: table ${names.join(", ")}, ${familiesText(entering.length > 0 ? entering : inTables)}`;
}

/** `Connections that reach the pod` */
export function wayText({ direction, families }: Pick<Way, "direction" | "families">): string {
  const what = direction === "inbound" ? "Connections that reach the pod" : "Connections that the pod opens";
  return families.length === 1 ? `${what}, of ${familiesText(families)} alone` : what;
}

export function directionText(direction: Direction): string {
  return direction === "inbound" ? "Inbound" : "Outbound";
}

/** Where the connections of a direction come from. */
export function sourceText(direction: Direction): string {
  return direction === "inbound" ? "the network" : "the app, the proxy";
}

/** What is said of a direction that no rule is for. */
export function untouchedText(direction: Direction): string {
  return `${directionText(direction)} connections go where they were going: no rule of these is for them.`;
}

/** What a connection must be, without the family. */
export function decisionText({ conditions, reached }: Pick<Decision, "conditions" | "reached">): string {
  const text = conditions.map(conditionText).join(", ");
  return reached ? text : `${text} (nothing comes this far)`;
}

export function entranceText({ conditions }: Pick<Entrance, "conditions">): string {
  return conditions.map(conditionText).join(", ");
}

export function outcomeText(outcome: Outcome, direction: Direction): string {
  switch (outcome.type) {
    case "unchanged":
      return direction === "inbound" ? "the app, directly" : "straight out";
    case "accept":
      return direction === "inbound" ? "the app, at once" : "straight out, at once";
    case "proxy":
      return `the proxy, port ${outcome.port}`;
    case "chain":
      return `the rules of ${outcome.name}`;
  }
}

/** The colours of an outcome. */
export function outcomeTone({ type }: Outcome): "app" | "proxy" | "net" {
  if (type === "proxy") return "proxy";
  return type === "chain" ? "net" : "app";
}

export function familyText(family: Family): string {
  return family === "ipv4" ? "IPv4" : "IPv6";
}

function familiesText(families: readonly Family[]): string {
  return families.map(familyText).join(" and ");
}

/** The whole picture as text, for those who do not see it. */
export function description(picture: Ways): string {
  const ways = picture.ways.map((way) => {
    const steps = way.runs.flatMap(({ outcome, decisions }) =>
      decisions.map((decision) => {
        const { number, only } = decision;
        const place = number === undefined ? "" : `${number}. `;
        const family = only === undefined ? "" : `${familyText(only)} only: `;
        return `${place}${family}${decisionText(decision)}: ${outcomeText(outcome, way.direction)}.`;
      }),
    );
    const entrance = `From ${sourceText(way.direction)} through ${way.entrance.chain}, ${entranceText(way.entrance)}, into ${way.chain}.`;
    return `${directionText(way.direction)}: ${wayText(way)}. ${entrance} The first that applies decides. ${steps.join(" ")}`;
  });
  return [subtitle(picture), ...ways, ...picture.untouched.map(untouchedText)].join("\n");
}
