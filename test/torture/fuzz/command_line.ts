// SPDX-License-Identifier: GPL-2.0-or-later

// The arguments of `sluice`, between NULs; behind the first empty one comes the text of every file that they may name. The kernel
// takes every ruleset. Whatever stands there, a command ends with an exit code and prints nothing that a terminal obeys.

import { sluice } from "../../../src/cli/sluice.ts";
import { FakeHost, kernel } from "../../cli/fake-host.ts";
import { check, checkOutput, parts, timely } from "./check.ts";

/** What a file may be, of which there is but one text. */
class OneFileHost extends FakeHost {
  readonly #text: string;

  constructor(args: readonly string[], text: string) {
    super(args, kernel());
    this.#text = text;
  }

  override readFile(path: string): string {
    if (path.includes("missing")) throw new Error(`cannot read ${path}: No such file or directory`);
    return this.#text;
  }

  /** Of a command line nothing comes to the core that only a kernel could answer. */
  override async call(...[backend, text]: Parameters<FakeHost["call"]>): Promise<string> {
    const { op } = JSON.parse(text);
    if (["commit", "inspect", "sysctl"].includes(op)) return await super.call(backend, text);
    return JSON.stringify({ error: { code: "permission-denied", detail: `op ${op}: not here` } });
  }
}

export const fuzz = (text: string): Promise<void> =>
  timely(async () => {
    const texts = parts(text);
    const end = texts.indexOf("");
    const args = end === -1 ? texts : texts.slice(0, end);
    const host = new OneFileHost(args, end === -1 ? "" : texts.slice(end + 1).join("\0"));
    const code = await sluice(host);
    check([0, 1, 2, 95].includes(code), "a command has an exit code", code);
    checkOutput(host.stderr);
    // What inject and manifest print is a document of the user's, in the user's own characters.
    if (!["inject", "manifest"].includes(args[0] ?? "")) checkOutput(host.stdout);
    check(code === 0 || host.stderr !== "" || host.stdout !== "", "a failure says why", args);
  });
