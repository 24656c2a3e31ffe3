// SPDX-License-Identifier: GPL-2.0-or-later

import { expect, test } from "vitest";
import { sluice } from "../../src/cli/sluice.ts";
import { CniError, CODES } from "../../src/cni/error.ts";
import { errorResult } from "../../src/cni/result.ts";
import { toError } from "../../src/kernel/core.ts";
import { Reader } from "../../src/kernel/reply.ts";
import { Log } from "../../src/log/log.ts";
import { show } from "../../src/policy/error.ts";
import { printable, printableJson } from "../../src/policy/printable.ts";
import { FakeHost } from "../cli/fake-host.ts";

/** Of every kind: C0, DEL, C1 (a terminal in 8 bits takes U+009B for ESC [), directions of writing, line ends, tags. */
const NASTY = "a\u001b[31m\u0000\r\u007f\u009b2J\u061c\u202e\u2066\u2028\ufeff\u{e0041}z";
const RAW = /[\p{Cc}\p{Cf}\u2028\u2029]/u;

test("text is written out, and JSON stays what it was", () => {
  expect(printable(NASTY)).toBe(
    "a\\x1b[31m\\x00\\x0d\\x7f\\x9b2J\\u{61c}\\u{202e}\\u{2066}\\u{2028}\\u{feff}\\u{e0041}z",
  );
  const json = printableJson(JSON.stringify({ [NASTY]: NASTY }));
  expect(json).not.toMatch(RAW);
  expect(JSON.parse(json)).toEqual({ [NASTY]: NASTY });
});

test("a value in a message", () => {
  expect(show(NASTY)).not.toMatch(RAW);
  expect(JSON.parse(show(NASTY))).toBe(NASTY);
});

test("an error of the kernel's", () => {
  const error = new Reader({ code: "refused", detail: NASTY, table: NASTY, chain: NASTY }, "error");
  expect(toError(error, {}).message).not.toMatch(RAW);
});

test("the error object of the CNI plugin, and its result", () => {
  const text = errorResult("1.1.0", new CniError(CODES.internal, NASTY, NASTY));
  expect(text.slice(0, -1)).not.toMatch(RAW);
  expect(JSON.parse(text)).toMatchObject({ msg: printable(NASTY), details: NASTY });
});

test.each(["plain", "json"] as const)("the log: %s", (format) => {
  const host = new FakeHost([]);
  const log = new Log(host);
  log.format = format;
  log.info(NASTY);
  log.flush();
  expect(host.stdout.slice(0, -1)).not.toMatch(RAW);
});

test.each([[NASTY], [`--${NASTY}`], ["plan", `--${NASTY}`], ["plan", `-${NASTY}`], ["manifest", NASTY]])(
  "a command line: %j",
  async (...args) => {
    const host = new FakeHost(args);
    expect(await sluice(host)).toBe(1);
    expect(host.stderr.replaceAll("\n", "")).not.toMatch(RAW);
  },
);
