// SPDX-License-Identifier: GPL-2.0-or-later

/**
 * Of dotted names the one that is most probably meant: one below it or with the same last part, else the one with the fewest letters
 * to change. Case does not count.
 *
 * @param names At least one.
 * @example
 * nearest("iptablesMode", ["proxy.uid", "proxyInit.iptablesMode"]); // "proxyInit.iptablesMode"
 */
export function nearest(name: string, names: readonly string[]): string {
  const wanted = name.toLowerCase();
  const ranked = names.map((candidate) => {
    const other = candidate.toLowerCase();
    const kin = other.startsWith(`${wanted}.`) || lastPart(wanted) === lastPart(other);
    return { candidate, kin: kin ? 0 : 1, distance: editDistance(wanted, other) };
  });
  ranked.sort((a, b) => a.kin - b.kin || a.distance - b.distance);
  return ranked[0]?.candidate ?? "";
}

function lastPart(name: string): string {
  return name.slice(name.lastIndexOf(".") + 1);
}

/** Levenshtein's distance, a row at a time. Names of nobody are longer than 200 letters. */
function editDistance(a: string, b: string): number {
  const letters = [...a.slice(0, 200)];
  let row = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (const [i, letter] of letters.entries()) {
    const next = [i + 1];
    for (let j = 0; j < b.length; j++) {
      const substituted = (row[j] ?? 0) + (letter === b[j] ? 0 : 1);
      next.push(Math.min(substituted, (row[j + 1] ?? 0) + 1, (next[j] ?? 0) + 1));
    }
    row = next;
  }
  return row[b.length] ?? 0;
}
