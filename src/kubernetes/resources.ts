// SPDX-License-Identifier: GPL-2.0-or-later

const RESOURCES = ["cpu", "memory", "ephemeral-storage"] as const;
const BOUNDS = ["limit", "request"] as const;

/** What a container may use at most of something, or asks for. */
export interface Bound {
  readonly resource: (typeof RESOURCES)[number];
  readonly bound: (typeof BOUNDS)[number];
}

/** All that there are. */
export const ALL_BOUNDS: readonly Bound[] = RESOURCES.flatMap((resource) =>
  BOUNDS.map((bound) => ({ resource, bound })),
);

/** A container's member `resources`, with the amounts that are said; where none is, nothing at all. */
export function resourcesMember(amounts: readonly (Bound & { readonly amount: string })[]): object {
  const said = amounts.filter(({ amount }) => amount !== "");
  const members = BOUNDS.flatMap((wanted) => {
    const listed = said.filter(({ bound }) => bound === wanted);
    if (listed.length === 0) return [];
    return [[`${wanted}s`, Object.fromEntries(listed.map(({ resource, amount }) => [resource, amount]))]];
  });
  return members.length === 0 ? {} : { resources: Object.fromEntries(members) };
}
