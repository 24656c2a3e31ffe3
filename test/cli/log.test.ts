// SPDX-License-Identifier: GPL-2.0-or-later

import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { goQuote, LOG_LEVELS, Log, parseLogLevel } from "../../src/log/log.ts";
import { FakeHost } from "./fake-host.ts";

beforeEach(() => {
  vi.useFakeTimers({ now: new Date("2026-11-23T10:00:00.789Z") });
});
afterEach(() => {
  vi.useRealTimers();
});

function written(fill: (log: Log) => void, settings: Partial<Pick<Log, "level" | "format">> = {}): string {
  const host = new FakeHost([]);
  const log = new Log(host);
  Object.assign(log, settings);
  fill(log);
  expect(host.writes).toEqual([]);
  log.flush();
  return host.stdout;
}

test("plain, as logrus writes it", () => {
  const text = written((log) => {
    log.info("rules written");
    log.warning('"x" is\nnot');
    log.error("bare-word_1./@^+");
  });
  expect(text).toBe(
    [
      'time="2026-11-23T10:00:00Z" level=info msg="rules written"',
      'time="2026-11-23T10:00:00Z" level=warning msg="\\"x\\" is\\nnot"',
      'time="2026-11-23T10:00:00Z" level=error msg=bare-word_1./@^+',
      "",
    ].join("\n"),
  );
});

test("json, one object a line, keys in Go's order, escaped as Go escapes, and what a terminal obeys", () => {
  const text = written(
    (log) => {
      log.info("a <b> & c\nd");
      log.warning('"\u2028\u007f\u009b\u202e');
    },
    { format: "json" },
  );
  expect(text).toBe(
    [
      '{"level":"info","msg":"a \\u003cb\\u003e \\u0026 c\\nd","time":"2026-11-23T10:00:00Z"}',
      '{"level":"warning","msg":"\\"\\u2028\\u007f\\u009b\\u202e","time":"2026-11-23T10:00:00Z"}',
      "",
    ].join("\n"),
  );
  expect(JSON.parse(text.split("\n")[0] ?? "").msg).toBe("a <b> & c\nd");
});

test.each([
  ["panic", []],
  ["fatal", []],
  ["error", ["error"]],
  ["warning", ["warning", "error"]],
  ["info", ["info", "warning", "error"]],
  ["debug", ["info", "warning", "error"]],
  ["trace", ["info", "warning", "error"]],
] as const)("level %s", (level, expected) => {
  const text = written(
    (log) => {
      log.info("i");
      log.warning("w");
      log.error("e");
    },
    { level },
  );
  expect([...text.matchAll(/level=(\w+)/g)].map(([, name]) => name)).toEqual(expected);
});

test("one write, and nothing twice", () => {
  const host = new FakeHost([]);
  const log = new Log(host, 2);
  log.info("a");
  log.info("b");
  log.flush();
  log.flush();
  expect(host.writes).toHaveLength(1);
  expect(host.stderr.split("\n")).toHaveLength(3);
});

describe("levels, as logrus.ParseLevel", () => {
  test.each([...LOG_LEVELS])("%s in any case", (level) => {
    expect(parseLogLevel(level)).toBe(level);
    expect(parseLogLevel(level.toUpperCase())).toBe(level);
  });
  test("warn is warning", () => {
    expect(parseLogLevel("Warn")).toBe("warning");
  });
  test.each(["", "verbose", " info", "info ", "4", "warnings", "İnfo"])("%j is none", (text) => {
    expect(parseLogLevel(text)).toBeUndefined();
  });
});

// As strconv.Quote, whose table in quote_test.go these follow.
test.each([
  ["", '""'],
  ["plain", '"plain"'],
  ["\x07\b\f\r\n\t\v", '"\\a\\b\\f\\r\\n\\t\\v"'],
  ["\\", '"\\\\"'],
  ["'", '"\'"'],
  ["\x00\x01\x1b\x7f", '"\\x00\\x01\\x1b\\x7f"'],
  ["\u0080\u00a0", '"\\u0080\\u00a0"'],
  ["\u00ad\u200b\ufeff", '"\\u00ad\\u200b\\ufeff"'],
  ["☺é日", '"☺é日"'],
  ["😀", '"😀"'],
  ["\u{10ffff}", '"\\U0010ffff"'],
  ["\u2028", '"\\u2028"'],
])("goQuote(%j)", (text, quoted) => {
  expect(goQuote(text)).toBe(quoted);
});
