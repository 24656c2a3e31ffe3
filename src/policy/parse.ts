// SPDX-License-Identifier: GPL-2.0-or-later

import { PolicyError, show } from "./error.ts";
import { LAST_ID } from "./ids.ts";
import { parseInterfaceName } from "./interfaces.ts";
import type { PortSpec, RedirectPolicy } from "./policy.ts";
import { parsePortSpec } from "./ports.ts";
import { parseSubnet } from "./subnets.ts";

type Inbound = NonNullable<RedirectPolicy["inbound"]>;
type Outbound = NonNullable<RedirectPolicy["outbound"]>;
type Proxy = NonNullable<RedirectPolicy["proxy"]>;

const LAST_PORT = 65535;

const INBOUND_KEYS = ["proxyPort", "redirectPorts", "skipPorts", "skipSubnets", "skipInterfaces"];
const OUTBOUND_KEYS = [
  ...["proxyPort", "redirectPorts", "redirectSubnets", "skipPorts", "skipSubnets"],
  ...["skipUids", "skipGids", "skipPortsOfUids", "skipInterfaces"],
];

/**
 * Checks data of any origin (JSON, a caller without types) and gives a copy in one spelling: a single port is a
 * number, a range is "first-last" without leading zeros, subnets are trimmed. A key with the value undefined counts as absent, and
 * a text by the key `$schema`, which tells editors where the JSON Schema is, is left out.
 * Parsing the result again changes nothing. Takes time in proportion to the number of ports and subnets.
 *
 * @throws {PolicyError} for the first thing that is wrong: an unknown key, a missing one, a wrong type, a value
 * out of range, neither inbound nor outbound. It names the place (`inbound.skipPorts[2]`) and the value.
 * @example
 * import { parsePolicy } from "sluice";
 *
 * const policy = parsePolicy({ inbound: { proxyPort: 4143, skipPorts: ["4190", "4567-4568"] } });
 * console.log(policy.inbound?.skipPorts); // [ 4190, '4567-4568' ]
 */
export function parsePolicy(input: unknown): RedirectPolicy {
  const root = fields("", input, ["proxy", "inbound", "outbound"], ["$schema"]);
  const policy: RedirectPolicy = {};
  const proxy = root.get("proxy");
  const inbound = root.get("inbound");
  const outbound = root.get("outbound");
  if (proxy !== undefined) policy.proxy = parseProxy(proxy);
  if (inbound !== undefined) policy.inbound = parseInbound(inbound);
  if (outbound !== undefined) policy.outbound = parseOutbound(outbound);
  if (policy.inbound === undefined && policy.outbound === undefined) {
    throw new PolicyError(
      "",
      input,
      "the policy has neither inbound nor outbound: there is nothing to redirect",
    );
  }
  return policy;
}

function parseProxy(input: unknown): Proxy {
  const found = fields("proxy", input, ["uid", "gid"]);
  const proxy: Proxy = {};
  const uid = found.get("uid");
  const gid = found.get("gid");
  if (uid !== undefined) proxy.uid = wholeNumber("proxy.uid", uid, LAST_ID);
  if (gid !== undefined) proxy.gid = wholeNumber("proxy.gid", gid, LAST_ID);
  return proxy;
}

function parseInbound(input: unknown): Inbound {
  const found = fields("inbound", input, INBOUND_KEYS);
  const inbound: Inbound = { proxyPort: wholeNumber("inbound.proxyPort", found.get("proxyPort"), LAST_PORT) };
  const redirectPorts = found.get("redirectPorts");
  const skipPorts = found.get("skipPorts");
  const skipSubnets = found.get("skipSubnets");
  if (redirectPorts !== undefined) inbound.redirectPorts = ports("inbound.redirectPorts", redirectPorts);
  if (skipPorts !== undefined) inbound.skipPorts = ports("inbound.skipPorts", skipPorts);
  const skipInterfaces = found.get("skipInterfaces");
  if (skipSubnets !== undefined) inbound.skipSubnets = subnets("inbound.skipSubnets", skipSubnets);
  if (skipInterfaces !== undefined) {
    inbound.skipInterfaces = interfaces("inbound.skipInterfaces", skipInterfaces);
  }
  return inbound;
}

function parseOutbound(input: unknown): Outbound {
  const found = fields("outbound", input, OUTBOUND_KEYS);
  const outbound: Outbound = {
    proxyPort: wholeNumber("outbound.proxyPort", found.get("proxyPort"), LAST_PORT),
  };
  const redirectPorts = found.get("redirectPorts");
  const redirectSubnets = found.get("redirectSubnets");
  const skipPorts = found.get("skipPorts");
  const skipSubnets = found.get("skipSubnets");
  const skipUids = found.get("skipUids");
  const skipGids = found.get("skipGids");
  const skipPortsOfUids = found.get("skipPortsOfUids");
  const skipInterfaces = found.get("skipInterfaces");
  if (redirectPorts !== undefined) outbound.redirectPorts = ports("outbound.redirectPorts", redirectPorts);
  if (redirectSubnets !== undefined) {
    outbound.redirectSubnets = subnets("outbound.redirectSubnets", redirectSubnets);
  }
  if (skipPorts !== undefined) outbound.skipPorts = ports("outbound.skipPorts", skipPorts);
  if (skipSubnets !== undefined) outbound.skipSubnets = subnets("outbound.skipSubnets", skipSubnets);
  if (skipUids !== undefined) outbound.skipUids = ids("outbound.skipUids", skipUids);
  if (skipGids !== undefined) outbound.skipGids = ids("outbound.skipGids", skipGids);
  if (skipPortsOfUids !== undefined) outbound.skipPortsOfUids = portsOfUids(skipPortsOfUids);
  if (skipInterfaces !== undefined) {
    outbound.skipInterfaces = interfaces("outbound.skipInterfaces", skipInterfaces);
  }
  return outbound;
}

function portsOfUids(input: unknown): NonNullable<Outbound["skipPortsOfUids"]> {
  return list("outbound.skipPortsOfUids", input, (item, index) => {
    const path = `outbound.skipPortsOfUids[${index}]`;
    const found = fields(path, item, ["uid", "ports"]);
    const uid = wholeNumber(`${path}.uid`, found.get("uid"), LAST_ID);
    return { uid, ports: ports(`${path}.ports`, found.get("ports")) };
  });
}

/** The own fields of an object, which may have these keys and no others; `ignored` ones with a text are nobody's business. */
function fields(
  path: string,
  input: unknown,
  known: readonly string[],
  ignored: readonly string[] = [],
): Map<string, unknown> {
  if (typeof input !== "object" || input === null || Array.isArray(input)) {
    const subject = path === "" ? "the policy " : "";
    throw new PolicyError(path, input, `${subject}must be an object, not ${show(input)}`);
  }
  const found = new Map<string, unknown>(Object.entries(input));
  for (const [key, value] of found) {
    if (ignored.includes(key) && typeof value === "string") continue;
    if (!known.includes(key)) {
      // A key may be anything: one that could not be read as a path is quoted, and cut.
      const name = /^[\w$]{1,60}$/.test(key) ? key : show(key);
      const place = path === "" ? name : `${path}.${name}`;
      throw new PolicyError(place, value, `unknown key; ${path || "a policy"} has ${known.join(", ")}`);
    }
  }
  return found;
}

function wholeNumber(path: string, value: unknown, last: number): number {
  if (typeof value !== "number" || !Number.isInteger(value) || value < 0 || value > last) {
    const wanted = `a whole number from 0 to ${last}`;
    const problem = value === undefined ? `is missing: ${wanted}` : `must be ${wanted}, not ${show(value)}`;
    throw new PolicyError(path, value, problem);
  }
  return value + 0; // -0 becomes 0
}

function ids(path: string, input: unknown): number[] {
  return values(path, input, (item) => wholeNumber("", item, LAST_ID));
}

function ports(path: string, input: unknown): PortSpec[] {
  return values(path, input, (item): PortSpec => {
    if (typeof item !== "number" && typeof item !== "string") {
      throw new PolicyError("", item, `must be a port or a range such as "80-90", not ${show(item)}`);
    }
    const { first, last } = parsePortSpec(item);
    return first === last ? first : `${first}-${last}`;
  });
}

function subnets(path: string, input: unknown): string[] {
  return values(path, input, (item): string => {
    if (typeof item !== "string") {
      throw new PolicyError("", item, `must be a subnet such as "10.0.0.0/8", not ${show(item)}`);
    }
    parseSubnet(item);
    return item.trim();
  });
}

function interfaces(path: string, input: unknown): string[] {
  return values(path, input, (item): string => {
    if (typeof item !== "string") {
      throw new PolicyError("", item, `must be the name of an interface, not ${show(item)}`);
    }
    return parseInterfaceName(item);
  });
}

/** Every value of a list, read on its own: what is wrong with one gets its place. */
function values<T>(path: string, input: unknown, read: (item: unknown) => T): T[] {
  return list(path, input, (item, index) => {
    try {
      return read(item);
    } catch (error) {
      if (!(error instanceof PolicyError)) throw error;
      throw new PolicyError(`${path}[${index}]`, error.value, error.message);
    }
  });
}

/** Every item of a list, read; `read` is told its index. */
function list<T>(path: string, input: unknown, read: (item: unknown, index: number) => T): T[] {
  if (!Array.isArray(input)) {
    const problem = input === undefined ? "is missing: a list" : `must be a list, not ${show(input)}`;
    throw new PolicyError(path, input, problem);
  }
  const items: T[] = [];
  // By index: a hole in the list is as wrong as undefined.
  for (let i = 0; i < input.length; i++) items.push(read(input[i], i));
  return items;
}
