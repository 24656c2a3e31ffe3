// SPDX-License-Identifier: GPL-2.0-or-later

import { PolicyError, show } from "../policy/error.ts";
import { CniError, CODES } from "./error.ts";

/**
 * The members of an object of the configuration. null counts as absent, as Go reads it. What makes no sense is a {@link CniError}
 * that names the field by its path.
 */
export class Fields {
  readonly #path: string;
  readonly #members: ReadonlyMap<string, unknown>;

  private constructor(path: string, value: object) {
    this.#path = path;
    this.#members = new Map<string, unknown>(Object.entries(value));
  }

  /** @param path Empty: the whole configuration. */
  static of(value: unknown, path = ""): Fields {
    if (typeof value === "object" && value !== null && !Array.isArray(value)) return new Fields(path, value);
    throw wrong(path || "configuration", `must be an object, not ${show(value)}`);
  }

  /** The names of members that are none of these. */
  others(known: readonly string[]): string[] {
    return [...this.#members.keys()].filter((key) => !known.includes(key)).map((key) => this.pathOf(key));
  }

  /** As an error names it. */
  pathOf(key: string): string {
    return this.#path === "" ? key : `${this.#path}.${key}`;
  }

  /** Whatever it is. */
  raw(key: string): unknown {
    return this.#members.get(key) ?? undefined;
  }

  object(key: string): Fields | undefined {
    const value = this.raw(key);
    return value === undefined ? undefined : Fields.of(value, this.pathOf(key));
  }

  text(key: string): string | undefined {
    return this.#optional(key, (value, path) => {
      if (typeof value === "string") return value;
      throw wrong(path, `must be a text, not ${show(value)}`);
    });
  }

  boolean(key: string): boolean | undefined {
    return this.#optional(key, (value, path) => {
      if (typeof value === "boolean") return value;
      throw wrong(path, `must be true or false, not ${show(value)}`);
    });
  }

  /** A whole number. */
  integer(key: string, first: number, last: number): number | undefined {
    return this.#optional(key, (value, path) => {
      if (typeof value === "number" && Number.isInteger(value) && value >= first && value <= last) {
        return value + 0; // -0 becomes 0
      }
      throw wrong(path, `must be a whole number from ${first} to ${last}, not ${show(value)}`);
    });
  }

  /**
   * A list of which each item was read; absent: an empty one.
   *
   * @param read throws a {@link PolicyError} for an item that makes no sense
   */
  list<T>(key: string, read: (item: unknown) => T): T[] {
    const items = this.#optional(key, (value, path) => {
      if (!Array.isArray(value)) throw wrong(path, `must be a list, not ${show(value)}`);
      const all: readonly unknown[] = value;
      return all.map((item, i) => at(`${path}[${i}]`, () => read(item)));
    });
    return items ?? [];
  }

  #optional<T>(key: string, read: (value: unknown, path: string) => T): T | undefined {
    const value = this.raw(key);
    return value === undefined ? undefined : read(value, this.pathOf(key));
  }
}

function at<T>(path: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    throw error instanceof PolicyError ? wrong(path, error.message) : error;
  }
}

/** What is wrong with a field. */
export function wrong(path: string, problem: string): CniError {
  return new CniError(CODES.invalidConfig, `${path}: ${problem}`);
}
