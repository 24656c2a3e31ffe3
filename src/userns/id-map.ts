// SPDX-License-Identifier: GPL-2.0-or-later

/** Consecutive ids of a user namespace and the ids that they are outside. */
export interface IdRange {
  readonly inside: number;
  readonly outside: number;
  readonly count: number;
}

/** The one map that every user may write: the caller is root, and there is nobody else. */
export function callerAsRoot(id: number): IdRange {
  return { inside: 0, outside: id, count: 1 };
}

/**
 * The caller as root, and after that the subordinate ids, in their order.
 *
 * @param ranges - From {@link subordinateRanges}.
 */
export function withSubordinates(id: number, ranges: readonly (readonly [number, number])[]): IdRange[] {
  const map = [callerAsRoot(id)];
  let inside = 1;
  for (const [outside, count] of ranges) {
    map.push({ inside, outside, count });
    inside += count;
  }
  return map;
}

/**
 * Every id that this process can see, as itself.
 *
 * @param ownMap - /proc/self/uid_map or gid_map.
 */
export function everyId(ownMap: string): IdRange[] {
  return ownMap
    .split("\n")
    .filter((line) => line.trim() !== "")
    .map((line) => {
      const [inside = 0, , count = 0] = line.trim().split(/\s+/).map(Number);
      return { inside, outside: inside, count };
    });
}

/**
 * What /etc/subuid or /etc/subgid gives to a user (subuid(5)): lines of name or uid, first id, count.
 *
 * @returns First ids and counts. Lines that say nothing are passed over, as newuidmap does.
 */
export function subordinateRanges(
  text: string,
  uid: number,
  userName: string | undefined,
): [number, number][] {
  return text.split("\n").flatMap((line): [number, number][] => {
    const [owner = "", first = "", count = ""] = line.trim().split(":");
    if (owner !== userName && owner !== String(uid)) return [];
    return /^\d+$/.test(first) && /^[1-9]\d*$/.test(count) ? [[Number(first), Number(count)]] : [];
  });
}

/** As the files uid_map and gid_map take it. */
export function mapText(map: readonly IdRange[]): string {
  return map.map(({ inside, outside, count }) => `${inside} ${outside} ${count}\n`).join("");
}

/** As newuidmap and newgidmap take it, after the process id. */
export function mapArguments(map: readonly IdRange[]): string[] {
  return map.flatMap(({ inside, outside, count }) => [inside, outside, count].map(String));
}

/**
 * For people.
 *
 * @example
 * describeMap(withSubordinates(1000, [[100000, 65536]]));
 * // "0 (uid 1000 outside), 1 to 65536 (100000 to 165535 outside)"
 */
export function describeMap(map: readonly IdRange[]): string {
  return map
    .map(({ inside, outside, count }) => {
      if (inside === outside) return `${span(inside, count)} (the same outside)`;
      return `${span(inside, count)} (${count === 1 ? "uid " : ""}${span(outside, count)} outside)`;
    })
    .join(", ");
}

function span(first: number, count: number): string {
  return count === 1 ? String(first) : `${first} to ${first + count - 1}`;
}
