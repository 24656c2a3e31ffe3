// SPDX-License-Identifier: GPL-2.0-or-later

import { PolicyError, show } from "../policy/error.ts";
import { isId, LAST_ID } from "../policy/ids.ts";
import { parsePortSpec } from "../policy/ports.ts";
import { parseSubnet } from "../policy/subnets.ts";

/** What is wrong with the text of a value, without where it stands: `"x" is not true or false`. */
export class ValueProblem extends Error {}

/** The type of a value, and how its text is read. */
export interface ValueKind<T> {
  /** @throws {ValueProblem} for a text that is none. */
  read(text: string): T;
}

export const BOOLEAN: ValueKind<boolean> = {
  read: (text) => oneOf("true", "false").read(text) === "true",
};

/** 1 to 65535: 0 is no port that a proxy could listen on. */
export const PORT: ValueKind<number> = integer(1, 65535, "a port from 1 to 65535");

/** Ports and ranges with commas between; as text, because that is what becomes of them. */
export const PORTS: ValueKind<readonly string[]> = items(parsePortSpec);

/** Single ports with commas between. */
export const PORT_NUMBERS: ValueKind<readonly number[]> = {
  read: (text) => (text.trim() === "" ? [] : text.split(",").map((item) => PORT.read(item.trim()))),
};

/** Subnets in CIDR notation with commas between. */
export const SUBNETS: ValueKind<readonly string[]> = items(parseSubnet);

/** The number of a user or a group. */
export const ID: ValueKind<number> = {
  read(text) {
    const id = decimal(text);
    if (isId(id)) return id;
    throw new ValueProblem(`${show(text)} is not a number from 0 to ${LAST_ID}`);
  },
};

/** The same; below 0: none. */
export const ID_OR_NONE: ValueKind<number | undefined> = {
  read: (text) => (/^-[0-9]+$/.test(text) ? undefined : ID.read(text)),
};

/** As many seconds as the kernel's int holds. */
export const SECONDS: ValueKind<number> = integer(0, 2147483647, "a number of seconds from 0 to 2147483647");

/** How many of something there are to be. */
export const COUNT: ValueKind<number> = integer(0, 2147483647, "a number from 0 to 2147483647");

/** An amount of CPU or memory as Kubernetes writes it: 100m, 20Mi, 1e3. Empty: none. */
export const QUANTITY: ValueKind<string> = matching(
  /^(?:(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[num]|[kMGTPE]|[KMGTPE]i|[eE][-+]?[0-9]+)?)?$/,
  "an amount such as 100m or 20Mi",
);

const IMAGE_PART = "[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*";

/** What stands before the tag of an image: perhaps a registry, and parts in small letters. Or before the digest, as Linkerd's chart has it. */
export const IMAGE_NAME: ValueKind<string> = matching(
  new RegExp(
    `^(?:[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?(?::[0-9]+)?/)?${IMAGE_PART}(?:/${IMAGE_PART})*(?:@sha256)?$`,
  ),
  "the name of an image, without its tag",
);

/** A tag, or `sha256:` and a digest. Empty: as the default says. */
export const IMAGE_VERSION: ValueKind<string> = matching(
  /^(?:[\w][\w.-]{0,127}|sha256:[0-9a-f]{64})?$/,
  "a tag, or sha256: and a digest",
);

/** A path from the root, as Kubernetes takes it for a volume. */
export const PATH: ValueKind<string> = matching(
  /^(?!.*\/\.\.(?:\/|$))\/[^\0:]*$/s,
  "an absolute path, without ..",
);

/** The name of an object: of a volume, a namespace, a priority class. */
export const NAME: ValueKind<string> = matching(
  /^(?=.{1,63}$)[a-z0-9]([-a-z0-9]*[a-z0-9])?$/,
  "a name of up to 63 lower-case letters, digits and -",
);

/** The same, or nothing. */
export const NAME_OR_NONE: ValueKind<string> = {
  read: (text) => (text === "" ? text : NAME.read(text)),
};

/** The value of a label. */
export const LABEL: ValueKind<string> = matching(
  /^(?:[A-Za-z0-9](?:[\w.-]{0,61}[A-Za-z0-9])?)?$/,
  "the value of a label",
);

/** One of some words. The empty one means that none of them is said. */
export function oneOf<T extends string>(...words: readonly T[]): ValueKind<T> {
  return {
    read(text) {
      const word = words.find((known) => known === text);
      if (word !== undefined) return word;
      const choices = words.filter((known) => known !== "").join(", ");
      throw new ValueProblem(`${show(text)} is not one of ${choices}`);
    },
  };
}

/** Text of one shape. */
export function matching(shape: RegExp, what: string): ValueKind<string> {
  return {
    read(text) {
      if (shape.test(text)) return text;
      throw new ValueProblem(`${show(text)} is not ${what}`);
    },
  };
}

function integer(first: number, last: number, what: string): ValueKind<number> {
  return {
    read(text) {
      const value = decimal(text);
      if (value !== undefined && value >= first && value <= last) return value;
      throw new ValueProblem(`${show(text)} is not ${what}`);
    },
  };
}

function decimal(text: string): number | undefined {
  return /^[0-9]{1,15}$/.test(text) ? Number(text) : undefined;
}

function items(parse: (item: string) => unknown): ValueKind<readonly string[]> {
  return {
    read(text) {
      // An empty list, in Helm and in an annotation, is empty text.
      const listed = text.trim() === "" ? [] : text.split(",").map((item) => item.trim());
      for (const item of listed) {
        try {
          parse(item);
        } catch (error) {
          throw error instanceof PolicyError ? new ValueProblem(error.message) : error;
        }
      }
      return listed;
    },
  };
}
