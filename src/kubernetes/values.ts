// SPDX-License-Identifier: GPL-2.0-or-later

import { show } from "../policy/error.ts";
import { nearest } from "./nearest.ts";
import type { Setting } from "./set-expression.ts";
import { type ValueKind, ValueProblem } from "./value-kinds.ts";

/** A value of a chart: what `--set KEY=…` sets. */
export interface Value<T> {
  /** Its path, as in the chart: `proxy.ports.inbound`. One that ends with `.*` is a map of texts. */
  readonly key: string;
  readonly kind: ValueKind<T>;
  /** As it would be written behind `--set KEY=`. */
  readonly default: string;
  /** What it means, in up to 70 characters. */
  readonly help: string;
}

/** A value of a chart, in one line. */
export function value<T>(key: string, kind: ValueKind<T>, normally: string, help: string): Value<T> {
  return { key, kind, default: normally, help };
}

/** A value that is unknown, or makes no sense. The message names it, and where it was said. */
export class ValueError extends Error {
  constructor(message: string) {
    super(message);
    this.name = "ValueError";
  }
}

interface Said {
  readonly text: string;
  /** For messages: the value's key, or the annotation that spoke for it. */
  readonly where: string;
}

/** What the values of a chart are: the defaults, and what others say instead. */
export class Values {
  readonly #said: ReadonlyMap<Value<unknown>, Said>;
  readonly #members: ReadonlyMap<Value<unknown>, ReadonlyMap<string, string>>;

  private constructor(
    said: ReadonlyMap<Value<unknown>, Said>,
    members: ReadonlyMap<Value<unknown>, ReadonlyMap<string, string>>,
  ) {
    this.#said = said;
    this.#members = members;
  }

  /**
   * Checks settings against the values that there are; of two for one value the last counts.
   *
   * @throws {ValueError} for one that there is not, naming the nearest, and for one that makes no sense.
   */
  static read(known: readonly Value<unknown>[], settings: readonly Setting[]): Values {
    const said = new Map<Value<unknown>, Said>();
    const members = new Map<Value<unknown>, Map<string, string>>();
    for (const { path, text } of settings) {
      const where = path.join(".");
      const [map = "", member = "", ...rest] = path;
      const value =
        known.find(({ key }) => key === where) ??
        known.find(({ key }) => key === `${map}.*` && path.length > 1 && rest.length === 0);
      if (value === undefined) throw unknown(where, known);
      readText(value, { text, where });
      if (!value.key.endsWith(".*")) said.set(value, { text, where });
      else members.set(value, (members.get(value) ?? new Map()).set(member, text));
    }
    return new Values(said, members);
  }

  value<T>(value: Value<T>): T {
    return readText(value, this.#said.get(value) ?? { text: value.default, where: value.key });
  }

  /** The keys of what was set, maps apart; what annotations say is not among them. */
  keysSet(): string[] {
    return [...this.#said].flatMap(([{ key }, { where }]) => (key === where ? [key] : []));
  }

  /** Whether somebody has said it. */
  given(value: Value<unknown>): boolean {
    return this.#said.has(value);
  }

  /** For messages: what has said it, the value's key or an annotation. */
  whereOf(value: Value<unknown>): string {
    return this.#said.get(value)?.where ?? value.key;
  }

  /** The members of a map, in the order in which they were set. */
  members(value: Value<unknown>): Readonly<Record<string, string>> {
    return Object.fromEntries(this.#members.get(value) ?? []);
  }

  /** With another text for a value; `where` says where it stands. */
  with(value: Value<unknown>, text: string, where: string): Values {
    readText(value, { text, where });
    return new Values(new Map(this.#said).set(value, { text, where }), this.#members);
  }
}

function readText<T>({ kind }: Value<T>, { text, where }: Said): T {
  try {
    return kind.read(text);
  } catch (error) {
    if (error instanceof ValueProblem) throw new ValueError(`${where}: ${error.message}`);
    throw error;
  }
}

function unknown(key: string, known: readonly Value<unknown>[]): ValueError {
  const hint = nearest(
    key,
    known.map((value) => value.key),
  );
  return new ValueError(`${show(key)} is no value that is known; the nearest is ${hint}`);
}
