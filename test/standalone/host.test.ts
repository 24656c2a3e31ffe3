// SPDX-License-Identifier: GPL-2.0-or-later

import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { nodeProbe, notBuilt, run, shell, standaloneProbe, titled } from "./run.ts";

// What a command may rely on, whichever host it runs on.
describe.skipIf(notBuilt !== undefined).each([
  ["standalone", standaloneProbe],
  ["node", nodeProbe],
])(titled("host %s", notBuilt), (host, probe) => {
  const failure = (...args: string[]): string => {
    const { code, stdout, stderr } = run(probe, args);
    expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
    expect(stderr).toMatch(/^probe: [^\n]+\n$/);
    return stderr;
  };

  test("gives the arguments as they are", () => {
    const args = ["args", "", "--x=1", "é", "\u{1f600}", "a b\n"];
    expect(JSON.parse(run(probe, args).stdout)).toEqual(args);
  });

  test.each([
    ["b\\377c\\303", "b\ufffdc\ufffd"],
    ["\\355\\240\\200", "\ufffd\ufffd\ufffd"],
    ["\\360\\237\\230", "\ufffd"],
    ["\\300\\257", "\ufffd\ufffd"],
    ["\\364\\220\\200\\200x", "\ufffd\ufffd\ufffd\ufffdx"],
  ])("replaces what is not UTF-8 in an argument: %s", (octal, expected) => {
    const { code, stdout } = shell(`exec "$0" args "$(printf '${octal}')"`, probe);
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toEqual(["args", expected]);
  });

  test("gives the environment", () => {
    const env = { PATH: process.env.PATH ?? "", SLUICE_TEST: "é" };
    expect(JSON.parse(run(probe, ["env", "SLUICE_TEST"], { env }).stdout)).toBe("é");
    expect(JSON.parse(run(probe, ["env", "SLUICE_ABSENT"], { env }).stdout)).toBeNull();
  });

  test("reads a file and standard input", () => {
    const input = "a\0é\u{1f600}\n".repeat(20_000);
    expect(run(probe, ["read", "-"], { input }).stdout).toBe(input);
    expect(run(probe, ["read", import.meta.filename]).stdout).toBe(
      readFileSync(import.meta.filename, "utf8"),
    );
    expect(run(probe, ["read", "-"], { input: Buffer.from([0x61, 0xff, 0x62]) }).stdout).toBe("a\ufffdb");
  });

  test("names the file that it cannot read", () => {
    expect(failure("read", "/no/such/file")).toContain("/no/such/file");
  });

  test("writes a lone surrogate as U+FFFD", () => {
    const { stdout } = run(probe, ["write", '"a\\ud800b\\udc00c\\ud83d\\ude00"']);
    expect(stdout).toBe("a\ufffdb\ufffdc\u{1f600}");
  });

  test("exits with the command's number", () => {
    expect(run(probe, ["exit", "0"]).code).toBe(0);
    expect(run(probe, ["exit", "7"]).code).toBe(7);
  });

  test("says what an unexpected exception is, on one line", () => {
    expect(failure("throw", "two\nlines \u001b[1m")).toBe("probe: two lines  [1m\n");
    expect(failure("fault")).toMatch(/^probe: TypeError: .*\(at probe \(.*probe\.c?js:\d+:\d+\)\)\n$/);
  });

  test("ends with an error on endless recursion, also on a small stack", () => {
    expect(failure("recurse")).toMatch(/stack/i);
    if (host === "node") return;
    const { code, stderr } = shell('ulimit -s 200; exec "$0" recurse', probe);
    expect(code).toBe(1);
    expect(stderr).toMatch(/^probe: .*stack overflow.*\n$/);
  });

  test("ends with an error when a rejection is left alone", () => {
    expect(failure("reject")).toContain("left alone");
  });

  test("ends with an error when the command waits for ever", () => {
    expect(failure("wait")).toBe("probe: ended while it was still waiting for something\n");
  });

  test("is not killed by a reader that goes away", () => {
    const { stderr } = shell('{ "$0" fill 3000000; echo "exit $?" >&2; } | true', probe);
    expect(stderr).toMatch(/^probe: [^\n]+\nexit 1\n$/);
  });

  test("says so when the device is full", () => {
    const { code, stderr } = shell('exec "$0" fill 100 >/dev/full', probe);
    expect(code).toBe(1);
    expect(stderr).toMatch(/^probe: [^\n]+\n$/);
  });

  test("takes a closed standard output for /dev/null", () => {
    expect(shell('exec "$0" fill 100 >&-', probe)).toMatchObject({ code: 0, stderr: "" });
  });
});
