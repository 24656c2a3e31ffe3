// SPDX-License-Identifier: GPL-2.0-or-later

/** What has to hold in every run of a fuzzer. An exception that leaves a target is a finding. */
export function check(holds: boolean, what: string, seen: unknown): asserts holds {
  if (!holds) throw new Error(`does not hold: ${what}: ${JSON.stringify(seen)}`);
}

const RAW = /[\p{Cc}\p{Cf}\u2028\u2029]/u;

/** Of a message: one line that a terminal can have. */
export function checkLine(message: string): void {
  check(message !== "" && !RAW.test(message), "a message is one printable line", message);
}

/** Of whatever a command writes: lines that a terminal can have, with line feeds between them and tabs before them. */
export function checkOutput(text: string): void {
  check(!RAW.test(text.replace(/[\n\t]/g, "")), "what is written is printable", text);
}

/** An error of a kind that is declared, with a message that can be shown; any other is thrown on. */
export function checkError(error: unknown, ...declared: readonly (new (...args: never[]) => Error)[]): void {
  if (!(error instanceof Error) || !declared.some((kind) => error instanceof kind)) throw error;
  checkLine(error.message);
}

/** How much of a processor one input may use, in microseconds: a hundred times what any of the corpus needs. */
const MOST = 2_000_000;

/** Runs one input, which must not take long. */
export async function timely(run: () => unknown): Promise<void> {
  const start = process.cpuUsage();
  await run();
  const { user } = process.cpuUsage(start);
  check(user < MOST, `an input takes no longer than ${MOST} µs`, user);
}

/** The parts of an input, between NULs. */
export function parts(text: string): string[] {
  return text.split("\0");
}
