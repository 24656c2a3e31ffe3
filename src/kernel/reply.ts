// SPDX-License-Identifier: GPL-2.0-or-later

import { parseAddress } from "../policy/address.ts";
import { FAMILY_NAMES } from "../policy/family-names.ts";
import type { Family, Mode } from "../policy/policy.ts";
import type { Match, NamedSet, PortRange, Subnet, Verdict } from "../ruleset/ruleset.ts";

/** A field of the core's reply that is not what docs/core.md says: a bug in sluice, or two halves of two versions. */
export class ReplyError extends TypeError {
  constructor(path: string, wanted: string) {
    super(`the core's reply is malformed: ${path} is not ${wanted}`);
    this.name = "ReplyError";
  }
}

/** Reads a JSON value of the core's, checking each field where it is taken: no cast crosses the boundary. */
export class Reader {
  readonly #value: unknown;
  readonly #parent: Reader | undefined;
  readonly #place: string | number;

  /** @param place what it is called; in a parent, its key or index */
  constructor(value: unknown, place: string | number, parent?: Reader) {
    this.#value = value;
    this.#place = place;
    this.#parent = parent;
  }

  /** A field of an object; the reader of an absent one holds undefined. */
  at(key: string): Reader {
    const value = this.#value;
    if (typeof value !== "object" || value === null || Array.isArray(value)) this.#fail("an object");
    const field: unknown = Object.hasOwn(value, key) ? Reflect.get(value, key) : undefined;
    return new Reader(field, key, this);
  }

  get present(): boolean {
    return this.#value !== undefined && this.#value !== null;
  }

  items(): Reader[] {
    const value: unknown = this.#value;
    if (!Array.isArray(value)) this.#fail("an array");
    return value.map((item: unknown, index) => new Reader(item, index, this));
  }

  string(): string {
    return typeof this.#value === "string" ? this.#value : this.#fail("a string");
  }

  /** An IP address, in the notation of its family. */
  address(family: Family): string {
    const text = this.string();
    const bytes = parseAddress(text)?.length;
    return bytes === (family === "ipv4" ? 4 : 16)
      ? text
      : this.#fail(`an address of ${FAMILY_NAMES[family]}`);
  }

  number(): number {
    return typeof this.#value === "number" ? this.#value : this.#fail("a number");
  }

  boolean(): boolean {
    return typeof this.#value === "boolean" ? this.#value : this.#fail("a boolean");
  }

  oneOf<const T extends string>(values: readonly T[]): T {
    return values.find((value) => value === this.#value) ?? this.#fail(`one of ${values.join(", ")}`);
  }

  /** `read` on the value, or undefined when it is absent. */
  optional<T>(read: (reader: Reader) => T): T | undefined {
    return this.present ? read(this) : undefined;
  }

  #fail(wanted: string): never {
    throw new ReplyError(this.#path, wanted);
  }

  get #path(): string {
    const place = this.#place;
    if (this.#parent === undefined) return String(place);
    return this.#parent.#path + (typeof place === "number" ? `[${place}]` : `.${place}`);
  }
}

export const readFamily = (reader: Reader): Family => reader.oneOf(["ipv4", "ipv6"]);

/** What iptables has, too. */
const IN_EVERY_MODE = [
  ...(["protocol", "inInterface", "outInterface", "source", "destination"] as const),
  ...(["destinationPort", "multiport", "owner"] as const),
] as const;
const IN_NFTABLES = [...IN_EVERY_MODE, "newConnection", "portSet", "sourceSet", "destinationSet"] as const;

export function readMatch(mode: Mode, reader: Reader): Match {
  const type = reader.at("type").oneOf(mode === "nftables" ? IN_NFTABLES : IN_EVERY_MODE);
  switch (type) {
    case "protocol":
      return { type, protocol: reader.at("protocol").oneOf(["tcp", "udp"]) };
    case "inInterface":
    case "outInterface":
      return { type, name: reader.at("name").string() };
    case "source":
    case "destination":
      return { type, subnet: readSubnet(reader.at("subnet")) };
    case "destinationPort":
      return { type, ports: readPorts(reader.at("ports")) };
    case "multiport":
      return { type, ports: reader.at("ports").items().map(readPorts) };
    case "newConnection":
      return { type };
    case "portSet":
      return { type, set: reader.at("set").string() };
    case "sourceSet":
    case "destinationSet":
      return { type, family: readFamily(reader.at("family")), set: reader.at("set").string() };
    case "owner": {
      const uid = reader.at("uid").optional((id) => id.number());
      const gid = reader.at("gid").optional((id) => id.number());
      return { type, ...(uid === undefined ? {} : { uid }), ...(gid === undefined ? {} : { gid }) };
    }
  }
}

export function readVerdict(reader: Reader): Verdict {
  const type = reader.at("type").oneOf(["return", "accept", "redirect", "jump"]);
  if (type === "redirect") return { type, port: reader.at("port").number() };
  if (type === "jump") return { type, chain: reader.at("chain").string() };
  return { type };
}

export function readSet(reader: Reader): NamedSet {
  const name = reader.at("name").string();
  const type = reader.at("type").oneOf(["ports", "ipv4", "ipv6"]);
  const elements = reader.at("elements").items();
  if (type === "ports") return { name, type, elements: elements.map(readPorts) };
  const addresses = elements.map((item) => ({
    first: item.at("first").address(type),
    last: item.at("last").address(type),
  }));
  return { name, type, elements: addresses };
}

function readPorts(reader: Reader): PortRange {
  return { first: reader.at("first").number(), last: reader.at("last").number() };
}

function readSubnet(reader: Reader): Subnet {
  const family = readFamily(reader.at("family"));
  return {
    family,
    address: reader.at("address").address(family),
    prefixLength: reader.at("prefixLength").number(),
  };
}
