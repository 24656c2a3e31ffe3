// SPDX-License-Identifier: GPL-2.0-or-later

// Runs a fuzzer of test/torture/fuzz, as libFuzzer's main:   node scripts/fuzz/run.mjs BUNDLE [OPTION | CORPUS | INPUT]…
//
// The bundle runs in a context whose microtasks are worked off as soon as an input has been given to it: what awaits nothing but
// itself has ended then, and libFuzzer, which never goes back to Node's event loop, can go on. What has not ended is a finding.

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import vm from "node:vm";
import { instrument } from "./instrument.mjs";

const driver = createRequire(import.meta.url)(join(import.meta.dirname, "../../build/fuzz/driver.node"));
const [bundle = "", ...options] = process.argv.slice(2);
const { code, counters: count } = instrument(readFileSync(bundle, "utf8"));
const counters = new Uint8Array(count);

/** Longer ones are no names that an input could hold. */
const LONGEST = 64;

/** @param {unknown} a @param {unknown} b */
function same(a, b) {
  if (a === b) return true;
  if (typeof a === "string" && typeof b === "string" && a.length <= LONGEST && b.length <= LONGEST)
    driver.compared(a, b);
  return false;
}

/** @type {{ settled: boolean, failure: unknown }} */
const state = { settled: false, failure: undefined };
const context = vm.createContext(
  {
    __counters: counters,
    __same: same,
    /** @param {unknown} a @param {unknown} b */
    __differ: (a, b) => !same(a, b),
    __input: "",
    __state: state,
    ...{ process, performance, TextEncoder, TextDecoder, URL, Buffer, module: { exports: {} } },
    require: createRequire(import.meta.url),
  },
  { microtaskMode: "afterEvaluate" },
);
vm.runInContext(code, context, { filename: bundle });
const one = new vm.Script(`module.exports.fuzz(__input).then(
  () => { __state.settled = true; },
  (error) => { __state.settled = true; __state.failure = error ?? new Error("nothing"); })`);

/** @param {Uint8Array} data */
function target(data) {
  state.settled = false;
  context.__input = Buffer.from(data).toString("utf8");
  one.runInContext(context);
  if (!state.settled) state.failure = new Error("it has not ended: something waits for Node");
  if (state.failure === undefined) return;
  const { failure } = state;
  console.error(
    failure !== null && typeof failure === "object" && "stack" in failure ? failure.stack : failure,
  );
  throw failure;
}

// By its first word and those behind it libFuzzer starts itself again, in a shell, to merge.
driver.run([`${process.execPath} ${import.meta.filename} ${bundle}`, ...options], counters, target);
