// SPDX-License-Identifier: GPL-2.0-or-later

import { version } from "../cli/version.ts";
import { parseArguments } from "./arguments.ts";
import { diagnose } from "./diagnosis.ts";
import { readFacts } from "./facts.ts";
import { describeMap } from "./id-map.ts";
import { isInPath, machine, readCaller } from "./machine.ts";
import type { Mapped } from "./map-ids.ts";
import { type Outcome, start } from "./start.ts";

export const PROGRAM = "sluice-test-userns";

/** The exit code when the command was not started, as env(1), timeout(1) and docker-run(1) have it. */
export const NOT_STARTED = 125;
const WRONG_USAGE = 2;

/** The world as the command sees it. */
export interface World {
  readonly args: readonly string[];
  readonly env: NodeJS.ProcessEnv;
  readonly uid: number;
  readonly gid: number;
  readonly loopbackScript: string;
  write(fd: 1 | 2, text: string): void;
}

/**
 * `sluice-test-userns`: runs a command in a new user and network namespace.
 *
 * @returns the exit code
 */
export async function testUserns(world: World): Promise<number> {
  const request = parseArguments(world.args);
  switch (request.kind) {
    case "help":
      world.write(1, HELP);
      return 0;
    case "version":
      world.write(1, `${PROGRAM} ${version}\n`);
      return 0;
    case "wrong":
      world.write(2, `${PROGRAM}: ${request.problem}; ${PROGRAM} --help says how it is used\n`);
      return WRONG_USAGE;
    case "run":
      return await run(world, request.command);
  }
}

async function run(world: World, command: readonly string[]): Promise<number> {
  const outcome = await attempt(world, command);
  if ("exitCode" in outcome) return outcome.exitCode;
  world.write(2, `${PROGRAM}: ${diagnose(outcome.failure, readFacts(world.uid, machine))}\n`);
  return NOT_STARTED;
}

async function attempt(world: World, command: readonly string[]): Promise<Outcome> {
  const path = world.env.PATH ?? "";
  const absent = ["unshare", "setpriv"].find((name) => !isInPath(name, path));
  if (absent !== undefined) return { failure: { step: "program", name: absent } };
  return await start({
    program: PROGRAM,
    command,
    env: world.env,
    caller: readCaller(world.uid, world.gid, path),
    loopbackScript: world.loopbackScript,
    onReady: (mapped) => world.write(2, `${PROGRAM}: ${readyLine(mapped)}\n`),
  });
}

function readyLine({ uids, more }: Mapped): string {
  const line = `in a new user and network namespace as root; uids mapped: ${describeMap(uids)}`;
  return more === undefined
    ? line
    : `${line}; no program can run as another user, and no rule can name one, but in mode nftables: ${more}`;
}

const HELP = `Runs a command as root of a new user and network namespace, for tests with sluice/testing without root.

Usage:
  ${PROGRAM} [--] COMMAND [ARGUMENT...]
  ${PROGRAM} --help | --version

The command is looked up in PATH; npx puts node_modules/.bin of the project there. Standard input,
output and error are its own, and its exit code is passed on: 128 and the number for a signal. SIGINT,
SIGTERM and SIGHUP reach it. What it leaves running is killed when it ends.

In the network namespace there is loopback, up, and nothing else. XTABLES_LOCKFILE, unless it is set,
is a temporary file. Other users than root are there if /etc/subuid and /etc/subgid give the caller
subordinate ids and newuidmap and newgidmap are installed; for root, all users are.

Exit code 125: no such namespace can be made here; one line says what is missing.
`;
