// SPDX-License-Identifier: GPL-2.0-or-later

// Every fuzzer for a while, from the corpus in test/fixtures/fuzz and what earlier runs have found (build/fuzz/corpus). What it finds is
// in build/fuzz/artifacts, and named by the failure.

import { spawn } from "node:child_process";
import { beforeAll, describe, expect, type TestContext, test } from "vitest";
import {
  buildTargets,
  commandOf,
  corporaOf,
  type Target,
  targets,
  whyNoFuzzers,
} from "../../scripts/fuzz/targets.mjs";
import { compareWalks } from "../ruleset/compare-walks.ts";
import { amount, figure } from "./figures.ts";

/** For each target; SLUICE_FUZZ_SECONDS says another. */
const SECONDS = Number(process.env.SLUICE_FUZZ_SECONDS ?? amount(3, 600));
/** A whole build takes minutes; the next ones nothing. */
const BUILD_MS = 900_000;

interface Run {
  readonly code: number | null;
  readonly log: string;
}

/** In a network namespace of its own, which nothing that a fuzzer does can leave. */
function run(command: readonly string[]): Promise<Run> {
  return new Promise((resolve, reject) => {
    const child = spawn("unshare", ["--net", ...command], { stdio: ["ignore", "ignore", "pipe"] });
    let log = "";
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      // libFuzzer tells of every input that is new; what matters is at the end.
      log = (log + text).slice(-20_000);
    });
    child.on("error", reject);
    child.on("close", (code) => resolve({ code, log }));
  });
}

/** What libFuzzer's last line says: `#123 DONE cov: 5 ft: 6 corp: 7/8b`. The places of TypeScript it does not know: only features. */
function summary(log: string) {
  const [, executions, edges, features, corpus] =
    /^#(\d+)\s+DONE\s+(?:cov: (\d+) )?ft: (\d+) corp: (\d+)\//m.exec(log) ?? [];
  return {
    executions,
    reached: `${edges === undefined ? "" : `${edges} edges, `}${features} features`,
    corpus,
  };
}

/** The end of a log, from what libFuzzer or a sanitizer has to say on. */
function finding(log: string): string {
  const lines = log.split("\n");
  const start = lines.findIndex((line) => /does not hold|ERROR|runtime error|Error:/.test(line));
  const file = /Test unit written to (\S+)/.exec(log)?.[1] ?? "no input";
  return [`input: ${file}`, ...lines.slice(Math.max(0, start), start + 30)].join("\n");
}

describe("fuzzers", () => {
  beforeAll(async () => {
    if (whyNoFuzzers === undefined) await buildTargets();
  }, BUILD_MS);

  for (const target of targets)
    test(target.name, (context) => fuzz(target, context), SECONDS * 1000 + 60_000);
});

async function fuzz(target: Target, { skip }: TestContext): Promise<void> {
  skip(whyNoFuzzers !== undefined, whyNoFuzzers);
  const options = [
    ...[`-max_total_time=${SECONDS}`, "-timeout=20", "-rss_limit_mb=2048"],
    ...["-max_len=16384", "-print_final_stats=1"],
  ];
  const { code, log } = await run(commandOf(target, options));
  const { name } = target;
  expect(code, `${name}: ${finding(log)}`).toBe(0);
  const { executions, reached, corpus } = summary(log);
  expect(Number(executions), log).toBeGreaterThan(0);
  expect(Number(corpus), `${name}: no seeds in ${corporaOf(target).seeds}`).toBeGreaterThan(1);
  figure(
    `\`${name}\`: ${executions} inputs in ${SECONDS} s`,
    `no finding; ${reached} reached by ${corpus} inputs`,
  );
}

test(
  "the evaluator against the reference",
  () => {
    const { packets, redirected, incomplete, undecided } = compareWalks(amount(300, 50_000));
    figure(
      `the evaluator against a reference: ${packets} packets, ${incomplete} of them not known completely`,
      `no difference; ${redirected} are redirected, and of ${undecided} the evaluator says that it does not know`,
    );
  },
  amount(60_000, 3_600_000),
);
