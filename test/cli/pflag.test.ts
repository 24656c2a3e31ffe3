// SPDX-License-Identifier: GPL-2.0-or-later

import { describe, expect, test } from "vitest";
import { BOOLEAN, DECIMAL_LIST, INTEGER, TEXT, TEXT_LIST } from "../../src/cli/flag-kinds.ts";
import { type Flag, FlagError, parseFlags } from "../../src/cli/pflag.ts";

const port: Flag<number> = { name: "port", shorthand: "p", kind: INTEGER, default: -1, help: "" };
const wait: Flag<boolean> = { name: "wait", shorthand: "w", kind: BOOLEAN, default: false, help: "" };
const quiet: Flag<boolean> = { name: "quiet", shorthand: "q", kind: BOOLEAN, default: true, help: "" };
const path: Flag<string> = { name: "path", shorthand: "s", kind: TEXT, default: "", help: "" };
const names: Flag<readonly string[]> = { name: "names", kind: TEXT_LIST, default: [], help: "" };
const numbers: Flag<readonly number[]> = {
  name: "numbers",
  shorthand: "r",
  kind: DECIMAL_LIST,
  default: [],
  help: "",
};
const FLAGS: readonly Flag<unknown>[] = [port, wait, quiet, path, names, numbers];

function values(...args: string[]): Record<string, unknown> {
  const parsed = parseFlags(FLAGS, args);
  return Object.fromEntries(
    FLAGS.filter((flag) => parsed.given(flag)).map((flag) => [flag.name, parsed.value(flag)]),
  );
}

// Each row was read off pflag's flag.go (parseLongArg, parseSingleShortArg, parseArgs) and its value types.
describe("taken", () => {
  test.each<[string[], Record<string, unknown>]>([
    [[], {}],
    [["--port=80"], { port: 80 }],
    [["--port", "80"], { port: 80 }],
    [["-p80"], { port: 80 }],
    [["-p=80"], { port: 80 }],
    [["-p", "80"], { port: 80 }],
    [["-wp80"], { wait: true, port: 80 }],
    [["-wp=80"], { wait: true, port: 80 }],
    [["-wp", "80"], { wait: true, port: 80 }],
    [["-wqp", "80"], { wait: true, quiet: true, port: 80 }],
    [["-wwww"], { wait: true }],
    [["--port", "-1"], { port: -1 }],
    [["--port=-1"], { port: -1 }],
    [["-p-1"], { port: -1 }],
    [["-p", "-1"], { port: -1 }],
    [["--port", "0x50"], { port: 80 }],
    [["--port=1", "--port=2"], { port: 2 }],
    [["-p1", "--port", "2", "-p=3"], { port: 3 }],
    [["--wait"], { wait: true }],
    [["--wait=true"], { wait: true }],
    [["--wait=false"], { wait: false }],
    [["--wait=0"], { wait: false }],
    [["--wait=T"], { wait: true }],
    [["--wait=False"], { wait: false }],
    [["-w=false"], { wait: false }],
    [["-w=f"], { wait: false }],
    [["-qw=0"], { quiet: true, wait: false }],
    [["--wait", "false"], { wait: true }],
    [["-w", "false"], { wait: true }],
    [["--wait", "--wait=false"], { wait: false }],
    [["--path="], { path: "" }],
    [["--path", ""], { path: "" }],
    [["--path==a"], { path: "=a" }],
    [["--path=a=b"], { path: "a=b" }],
    [["-s=a"], { path: "a" }],
    [["-s="], { path: "=" }],
    [["-s=="], { path: "=" }],
    [["-s", "="], { path: "=" }],
    [["-sw"], { path: "w" }],
    [["-s", "-w"], { path: "-w" }],
    [["--path", "--wait"], { path: "--wait" }],
    [["--path", "--"], { path: "--" }],
    [["--path", "-"], { path: "-" }],
    [["--names=80,90"], { names: ["80", "90"] }],
    [["--names", "80,90", "--names=100"], { names: ["80", "90", "100"] }],
    [["--names", ""], { names: [] }],
    [["--names="], { names: [] }],
    [["--names=", "--names=80"], { names: ["80"] }],
    [['--names="80,90",100'], { names: ["80,90", "100"] }],
    [["--names=80,"], { names: ["80", ""] }],
    [["-r80,90"], { numbers: [80, 90] }],
    [["-r", "80", "-r=90", "--numbers", "100"], { numbers: [80, 90, 100] }],
    [["-r", "-1"], { numbers: [-1] }],
    [["-r", "010,+7"], { numbers: [10, 7] }],
    [["a", "--port", "80", "b", "-w"], { port: 80, wait: true }],
    [["-", "--port=80"], { port: 80 }],
    [["", "--port=80"], { port: 80 }],
    [["--", "--port=80"], {}],
    [["--port=80", "--", "-x", "--bogus"], { port: 80 }],
    [["--", "--"], {}],
  ])("%j", (args, expected) => {
    expect(values(...args)).toEqual(expected);
  });
});

describe("refused, naming flag and value", () => {
  test.each<[string[], string]>([
    [["--port"], "--port: needs a value"],
    [["-p"], "-p: needs a value"],
    [["-wp"], "-p: needs a value"],
    [["--names"], "--names: needs a value"],
    [["--bogus"], "--bogus: unknown flag"],
    [["--bogus=1"], '--bogus: unknown flag in "--bogus=1"'],
    [["--Port=1"], '--Port: unknown flag in "--Port=1"'],
    [["--po=1"], '--po: unknown flag in "--po=1"'],
    [["-x"], "-x: unknown flag"],
    [["-wx"], '-x: unknown flag in "-wx"'],
    [["-w="], '-=: unknown flag in "-w="'],
    [["-w1"], '-1: unknown flag in "-w1"'],
    [["-1"], "-1: unknown flag"],
    [["-port=80"], '--port: "ort=80" is not an integer'],
    [["---port=1"], '"---port=1": bad flag syntax'],
    [["--=1"], '"--=1": bad flag syntax'],
    [["---"], '"---": bad flag syntax'],
    [["--port="], '--port: "" is not an integer'],
    [["--port", ""], '--port: "" is not an integer'],
    [["-p="], '--port: "=" is not an integer'],
    [["--port", "--wait"], '--port: "--wait" is not an integer'],
    [["--port=x", "--port=80"], '--port: "x" is not an integer'],
    [["--port= 80"], '--port: " 80" is not an integer'],
    [["--wait="], '--wait: "" is neither true nor false'],
    [["--wait=yes"], '--wait: "yes" is neither true nor false'],
    [["--wait=tRUE"], '--wait: "tRUE" is neither true nor false'],
    [["-w=no"], '--wait: "no" is neither true nor false'],
    [["-r", ""], '--numbers: "" is not a list of decimal integers between commas'],
    [["-r", "80,"], '--numbers: "80," is not a list of decimal integers between commas'],
    [["-r", "80, 90"], '--numbers: "80, 90" is not a list of decimal integers between commas'],
    [["-r", "0x50"], '--numbers: "0x50" is not a list of decimal integers between commas'],
    [["-r80-90"], '--numbers: "80-90" is not a list of decimal integers between commas'],
    [['--names="80'], '--names: "\\"80" has a " that is not closed'],
    [['--names=8"0'], '--names: "8\\"0" has a " within an item that does not begin with one'],
    [['--names="80"1'], '--names: "\\"80\\"1" has text after the closing "'],
    [["--names=\n"], '--names: "\\n" holds no items'],
  ])("%j", (args, message) => {
    const parse = () => parseFlags(FLAGS, args);
    expect(parse).toThrow(FlagError);
    expect(parse).toThrow(expect.objectContaining({ message }));
  });
});

test("a flag that is not given has its default, and no text", () => {
  const parsed = parseFlags(FLAGS, []);
  expect(FLAGS.map((flag) => parsed.value(flag))).toEqual([-1, false, true, "", [], []]);
  expect(FLAGS.map((flag) => parsed.given(flag))).toEqual(FLAGS.map(() => false));
  expect(parsed.text(port)).toBe("");
});

test("the text of a flag is what was written last", () => {
  expect(parseFlags(FLAGS, ["-p1", "-p", "0x50"]).text(port)).toBe("0x50");
});
