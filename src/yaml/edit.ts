// SPDX-License-Identifier: GPL-2.0-or-later

/** Keys of maps and indices of lists, from the root of a document. */
export type Path = readonly (string | number)[];

/** One change to a document. Places are those of the document before any change. */
export type Edit =
  /** Adds a member to a map, in front of another one of it. */
  | {
      readonly op: "add-member";
      readonly map: Path;
      readonly key: string;
      readonly before: string;
      readonly value: unknown;
    }
  /** Puts an item in front of those of a list, which may also be null, as an empty one is often written. */
  | { readonly op: "add-first"; readonly list: Path; readonly value: unknown }
  /** Puts a value in the place of another. */
  | { readonly op: "replace"; readonly at: Path; readonly value: unknown };

/**
 * What a document comes to by an edit. The document itself stays as it is.
 *
 * @throws {RangeError} when there is nothing at the edit's place.
 */
export function editData(data: unknown, edit: Edit): unknown {
  switch (edit.op) {
    case "add-member":
      return changed(data, edit.map, (map) => ({ ...map, [edit.key]: edit.value }));
    case "add-first":
      return changed(data, edit.list, (list) => [edit.value, ...(Array.isArray(list) ? list : [])]);
    case "replace":
      return changed(data, edit.at, () => edit.value);
  }
}

/** What an object has of its own under a key; of anything else, and of what is inherited, undefined. */
export function own(value: unknown, key: string | number): unknown {
  if (typeof value !== "object" || value === null) return undefined;
  return Object.getOwnPropertyDescriptor(value, key)?.value;
}

/** Whether two documents say the same: the order of members does not matter. */
export function sameData(a: unknown, b: unknown): boolean {
  if (typeof a !== "object" || typeof b !== "object" || a === null || b === null) return Object.is(a, b);
  if (Array.isArray(a) !== Array.isArray(b)) return false;
  const keys = Object.keys(a);
  return (
    keys.length === Object.keys(b).length &&
    keys.every((key) => Object.hasOwn(b, key) && sameData(own(a, key), own(b, key)))
  );
}

function changed(data: unknown, path: Path, change: (value: object) => unknown): unknown {
  const [step, ...rest] = path;
  if (step === undefined) return change(Object(data));
  const inside = own(data, step);
  if (typeof data !== "object" || data === null || inside === undefined) {
    throw new RangeError(`there is nothing at ${step}`);
  }
  const value = changed(inside, rest, change);
  if (Array.isArray(data)) return data.map((item, i) => (i === step ? value : item));
  return Object.fromEntries(Object.entries(data).map(([key, old]) => [key, key === step ? value : old]));
}
