// SPDX-License-Identifier: GPL-2.0-or-later

/** A record of proxy-init's log, in either format. */
export interface LogRecord {
  readonly level: string;
  readonly msg: string;
}

/** Reads the whole of a standard output as a log; fails on a line that is no record. */
export function readLog(stdout: string): LogRecord[] {
  if (stdout !== "" && !stdout.endsWith("\n")) throw new Error(`the last line has no end: ${stdout}`);
  return stdout
    .split("\n")
    .slice(0, -1)
    .map((line) => (line.startsWith("{") ? json(line) : plain(line)));
}

const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/;

function json(line: string): LogRecord {
  const record: { level: string; msg: string; time: string } = JSON.parse(line);
  const keys = Object.keys(record).join(",");
  if (keys !== "level,msg,time" || !TIME.test(record.time)) throw new Error(`not a record: ${line}`);
  return { level: record.level, msg: record.msg };
}

/** What logrus quotes is a string of JSON's, as far as these tests go: quotes, backslashes, line feeds. */
function plain(line: string): LogRecord {
  const [, time = "", level, quoted, bare] =
    /^time="([^"]*)" level=(\w+) msg=(?:("(?:[^"\\]|\\.)*")|(\S*))$/.exec(line) ?? [];
  if (level === undefined || !TIME.test(time)) throw new Error(`not a record: ${line}`);
  const msg: string = quoted === undefined ? (bare ?? "") : JSON.parse(quoted);
  return { level, msg };
}

/** The log's records that hold rules, in the form of iptables-save, with a heading before. */
export function ruleRecords(stdout: string): { heading: string; rules: string }[] {
  return readLog(stdout)
    .filter(({ msg }) => msg.startsWith("# "))
    .map(({ msg }) => {
      const end = msg.indexOf("\n");
      return { heading: msg.slice(0, end), rules: msg.slice(end + 1) };
    });
}

/** A standard output without what differs from run to run. */
export function timeless(stdout: string): string {
  return stdout.replace(/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ/g, "TIME");
}
