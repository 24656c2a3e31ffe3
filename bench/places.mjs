// SPDX-License-Identifier: GPL-2.0-or-later

import { createNamespace, createPod } from "../dist/testing/index.js";

// Node 20 has no `await using`.

async function closing(place, use) {
  try {
    return await use(place);
  } finally {
    await place.close();
  }
}

/** @template T @param {(namespace: import("../dist/testing/index.js").NetworkNamespace) => Promise<T>} use */
export const inNamespace = async (use) => closing(await createNamespace(), use);

/** @template T @param {(pod: import("../dist/testing/index.js").Pod) => Promise<T>} use */
export const inPod = async (use) => closing(await createPod(), use);

/**
 * Gives `use` what makes a fresh namespace, all of which are closed when it has ended, and not before: the kernel takes
 * milliseconds to clear one away, during which what is measured next would wait.
 *
 * @template T @param {(fresh: typeof createNamespace) => Promise<T>} use
 */
export async function withFreshNamespaces(use) {
  const made = [];
  try {
    return await use(async () => {
      const namespace = await createNamespace();
      made.push(namespace);
      return namespace;
    });
  } finally {
    await Promise.all(made.map((namespace) => namespace.close()));
  }
}
