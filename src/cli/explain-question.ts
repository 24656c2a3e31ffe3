// SPDX-License-Identifier: GPL-2.0-or-later

import type { Question } from "../kernel/explain.ts";
import { formatAddress, parseAddress } from "../policy/address.ts";
import { isId, LAST_ID } from "../policy/ids.ts";
import type { Family } from "../policy/policy.ts";
import { isPort } from "../policy/ports.ts";
import { INTEGER, TEXT } from "./flag-kinds.ts";
import { type Flag, FlagError, flagError, type ParsedFlags } from "./pflag.ts";

export const DIRECTION: Flag<string> = {
  name: "direction",
  kind: TEXT,
  default: "out",
  help: "out: a connection that is opened in the pod; in: one from elsewhere",
};

export const TO: Flag<string> = {
  name: "to",
  kind: TEXT,
  default: "",
  help: "Where it goes: 10.1.2.3:443, [fd00::1]:443; inbound also :443\n(required)",
};

export const FROM: Flag<string> = {
  name: "from",
  kind: TEXT,
  default: "",
  help: "The address that it comes from",
};

export const UID: Flag<number> = {
  name: "uid",
  kind: INTEGER,
  default: -1,
  help: "User who opens it, as the pod sees him",
};

export const GID: Flag<number> = {
  name: "gid",
  kind: INTEGER,
  default: -1,
  help: "Group of the one who opens it",
};

export const PROTOCOL: Flag<string> = {
  name: "protocol",
  kind: TEXT,
  default: "tcp",
  help: "tcp or udp",
};

export const INTERFACE: Flag<string> = {
  name: "interface",
  kind: TEXT,
  default: "",
  help: "By which it leaves, or comes in; without this flag, what the\nnamespace's routes say",
};

export const QUESTION_FLAGS: readonly Flag<unknown>[] = [DIRECTION, TO, FROM, UID, GID, PROTOCOL, INTERFACE];

/**
 * The connection that the flags describe, without its interface.
 *
 * @throws {FlagError} for the first flag whose value makes no sense.
 */
export function readQuestion(flags: ParsedFlags): Question {
  const direction = oneOf(flags, DIRECTION, ["out", "in"]);
  const protocol = oneOf(flags, PROTOCOL, ["tcp", "udp"]);
  const to = readEndpoint(flags, direction);
  const from = readAddress(flags);
  const family = to.family ?? from?.family;
  if (family === undefined)
    throw new FlagError(`--${TO.name}: names no address; give one there, or with --${FROM.name}`);
  if (from !== undefined && from.family !== family) {
    throw flagError(FROM, flags.text(FROM), `is not of the family of --${TO.name}`);
  }
  const name = flags.value(INTERFACE) === "" ? undefined : flags.value(INTERFACE);
  const owner = { uid: readId(flags, UID), gid: readId(flags, GID) };
  if (direction === "in" && (owner.uid !== undefined || owner.gid !== undefined)) {
    throw new FlagError(`--${UID.name} and --${GID.name}: go not with --${DIRECTION.name} in`);
  }
  const way =
    direction === "out"
      ? { ...owner, inInterface: null, ...(name === undefined ? {} : { outInterface: name }) }
      : { uid: null, gid: null, outInterface: null, ...(name === undefined ? {} : { inInterface: name }) };
  return {
    direction,
    family,
    packet: {
      protocol,
      source: from?.address,
      destination: to.address,
      destinationPort: to.port,
      ...withoutUndefined(way),
    },
  };
}

function withoutUndefined<T extends object>(fields: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  const found: { [K in keyof T]?: Exclude<T[K], undefined> } = { ...fields };
  for (const key in found) if (found[key] === undefined) delete found[key];
  return found;
}

function oneOf<const T extends string>(flags: ParsedFlags, flag: Flag<string>, values: readonly T[]): T {
  const text = flags.value(flag);
  const value = values.find((each) => each === text);
  if (value === undefined) throw flagError(flag, text, `is not one of ${values.join(", ")}`);
  return value;
}

interface Endpoint {
  readonly family: Family | undefined;
  readonly address: string | undefined;
  readonly port: number;
}

function readEndpoint(flags: ParsedFlags, direction: "out" | "in"): Endpoint {
  const text = flags.value(TO);
  if (text === "")
    throw new FlagError(`--${TO.name}: is missing; give an address and a port, such as 10.1.2.3:443`);
  const [, six, four, digits] = /^(?:\[([^\]]*)\]|([^:[\]]*)):([0-9]{1,5})$/.exec(text) ?? [];
  const host = six ?? four;
  const port = Number(digits);
  if (host === undefined || !isPort(port))
    throw flagError(TO, text, "is not an address and a port, such as 10.1.2.3:443");
  if (host === "") {
    if (direction === "in") return { family: undefined, address: undefined, port };
    throw flagError(TO, text, "has no address");
  }
  const address = addressOf(host);
  if (address === undefined || (six !== undefined) !== host.includes(":")) {
    throw flagError(TO, text, "is not an address and a port, such as 10.1.2.3:443 or [fd00::1]:443");
  }
  const loopback = direction === "out" ? LOOPBACK.get(address.address) : undefined;
  return { ...address, ...(loopback === undefined ? {} : { address: loopback }), port };
}

/** Where connect(2) goes when it is told to go to no address. */
const LOOPBACK: ReadonlyMap<string, string> = new Map([
  ["0.0.0.0", "127.0.0.1"],
  ["::", "::1"],
]);

function readAddress(flags: ParsedFlags): { family: Family; address: string } | undefined {
  const text = flags.value(FROM);
  if (text === "") return undefined;
  const address = addressOf(text);
  if (address === undefined) throw flagError(FROM, text, "is not an address");
  return address;
}

/** An IPv4-mapped address is one of IPv4, as to connect(2): its packets are. */
function addressOf(text: string): { family: Family; address: string } | undefined {
  const bytes = parseAddress(text);
  if (bytes === undefined) return undefined;
  const isMapped = bytes.length === 16 && MAPPED.every((byte, i) => bytes[i] === byte);
  const sent = isMapped ? bytes.slice(MAPPED.length) : bytes;
  return { family: sent.length === 4 ? "ipv4" : "ipv6", address: formatAddress(sent) };
}

/** ::ffff:0:0/96. */
const MAPPED = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255];

function readId(flags: ParsedFlags, flag: Flag<number>): number | undefined {
  if (!flags.given(flag)) return undefined;
  const id = flags.value(flag);
  if (isId(id)) return id;
  throw flagError(flag, flags.text(flag), `is not a number from 0 to ${LAST_ID}`);
}
