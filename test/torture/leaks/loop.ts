// SPDX-License-Identifier: GPL-2.0-or-later

// The process whose figures ../leaks.test.ts looks at: `loop KIND STEPS LOCKFILE`. Takes the steps in turn until it has
// taken so many, and prints a line of JSON a hundred times on the way.

import { held } from "./held.ts";
import { kitSteps } from "./kit.ts";
import { refusedSteps, ruleSteps, type Step } from "./rules.ts";

const SAMPLES = 100;

async function stepsOf(kind: string, lockFile: string): Promise<Step[]> {
  if (kind === "rules") return await ruleSteps(lockFile);
  return kind === "kit" ? await kitSteps() : refusedSteps();
}

async function main([kind = "", count = "", lockFile = ""]: string[]): Promise<void> {
  const steps = await stepsOf(kind, lockFile);
  // A sample always comes after the same step, so that all of them have the same thing behind them.
  const rounds = Math.ceil(Number(count) / steps.length);
  const every = Math.max(1, Math.floor(rounds / SAMPLES));
  for (let round = 1; round <= rounds; round++) {
    for (const [what, run] of steps) {
      await run().catch((error: unknown) => {
        throw new Error(`round ${round}, ${what}`, { cause: error });
      });
    }
    if (round % every !== 0) continue;
    // What the kernel and libuv do after a close, and that the last change of rules closes its socket.
    await new Promise((resolve) => setTimeout(resolve, 50));
    process.stdout.write(`${JSON.stringify({ taken: round * steps.length, ...held() })}\n`);
  }
  process.exit();
}

main(process.argv.slice(2)).catch((error: unknown) => {
  console.error(error);
  process.exit(1);
});
