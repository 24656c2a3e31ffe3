// SPDX-License-Identifier: GPL-2.0-or-later

import { spawn, spawnSync } from "node:child_process";
import {
  chmodSync,
  closeSync,
  constants,
  copyFileSync,
  existsSync,
  mkdtempSync,
  openSync,
  readFileSync,
  readlinkSync,
  readSync,
  rmSync,
  statSync,
  writeSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { afterAll, describe, expect, test } from "vitest";
import { executables, notBuilt, run, shell, standaloneProbe, titled } from "./run.ts";

const needsRoot = notBuilt ?? (process.getuid?.() === 0 ? undefined : "needs root");
const hasSetcap = spawnSync("setcap", ["-h"]).error === undefined;
const needsSetcap = needsRoot ?? (hasSetcap ? undefined : "needs setcap (Debian package libcap2-bin)");

const MiB = 2 ** 20;
const nobody = { uid: 65534, gid: 65534 };

const folders: string[] = [];
function folder(): string {
  const path = mkdtempSync(join(tmpdir(), "sluice-standalone-"));
  chmodSync(path, 0o755);
  folders.push(path);
  return path;
}
afterAll(() => {
  for (const path of folders) rmSync(path, { recursive: true });
});

/** The types of an ELF file's program headers, and the tags of its dynamic section. */
function elf(path: string): { segments: number[]; dynamic: number[] } {
  const file = readFileSync(path);
  const segments: number[] = [];
  const dynamic: number[] = [];
  for (let i = 0; i < file.readUInt16LE(56); i++) {
    const header = Number(file.readBigUInt64LE(32)) + i * file.readUInt16LE(54);
    const type = file.readUInt32LE(header);
    segments.push(type);
    if (type !== 2) continue;
    const start = Number(file.readBigUInt64LE(header + 8));
    for (let at = start; at < start + Number(file.readBigUInt64LE(header + 32)); at += 16) {
      dynamic.push(Number(file.readBigUInt64LE(at)));
    }
  }
  return { segments, dynamic };
}
const PT_INTERP = 3;
const DT_NEEDED = 1;

/** A FIFO that is full: whoever writes to it waits until it is emptied. */
function fullPipe(): { path: string; descriptor: number; empty: () => string } {
  const path = join(folder(), "fifo");
  expect(run("mkfifo", [path]).code).toBe(0);
  const descriptor = openSync(path, constants.O_RDWR | constants.O_NONBLOCK);
  const filling = Buffer.alloc(4096, "#");
  try {
    for (;;) writeSync(descriptor, filling);
  } catch (error) {
    expect(error).toMatchObject({ code: "EAGAIN" });
  }
  const buffer = Buffer.alloc(MiB);
  const empty = (): string => {
    try {
      return buffer.toString("utf8", 0, readSync(descriptor, buffer));
    } catch {
      return "";
    }
  };
  return { path, descriptor, empty };
}

const simulation =
  "--simulate --iptables-mode nft --incoming-proxy-port 4143 --outgoing-proxy-port 4140 --proxy-uid 2102".split(
    " ",
  );
/** What each can do without touching anything. */
const harmless: Readonly<Record<string, string[]>> = {
  "proxy-init": simulation,
  sluice: ["init", ...simulation],
  "network-validator": ["--help"],
};
const commands = executables.map((path) => ({
  name: basename(path),
  path,
  args: harmless[basename(path)] ?? [],
}));

/** Figures that may only fall. Of the bundles, Node compiles every byte at each start. */
const MOST_BYTES: Readonly<Record<string, number>> = {
  "proxy-init": 2.5e6,
  sluice: 3.1e6,
  "network-validator": 2.1e6,
  "proxy-init.cjs": 93_500,
  "network-validator.cjs": 43_000,
  "sluice-cni.cjs": 128_000,
  "sluice.cjs": 320_000,
};

test.each(Object.keys(MOST_BYTES).filter((name) => name.endsWith(".cjs")))(
  "the bundle %s is no larger than it was",
  (name) => {
    const path = join(import.meta.dirname, "../../dist/bin", name);
    expect(statSync(path).size).toBeLessThan(MOST_BYTES[name] ?? 0);
  },
);

describe.skipIf(notBuilt !== undefined).each(commands)(titled("$name", notBuilt), ({ path, args }) => {
  test("is no larger than it was", () => {
    expect(statSync(path).size).toBeLessThan(MOST_BYTES[basename(path)] ?? 0);
  });

  test("is linked against nothing", () => {
    const { segments, dynamic } = elf(path);
    expect(segments).not.toContain(PT_INTERP);
    expect(dynamic).not.toContain(DT_NEEDED);
  });

  test("holds no path of the machine that built it", () => {
    expect(readFileSync(path).includes(join(import.meta.dirname, "../.."))).toBe(false);
  });

  test("stays below 6 MB of memory, and writes all once a full pipe is read", async () => {
    const pipe = fullPipe();
    // The shell opens the FIFO: Node would make our descriptor, which must not block, a blocking one.
    const script = 'fifo=$1; shift; exec "$0" "$@" >"$fifo"';
    const child = spawn("sh", ["-c", script, path, pipe.path, ...args], {
      stdio: ["ignore", "ignore", "inherit"],
    });
    const exit = new Promise((resolve) => child.once("exit", (code, signal) => resolve(code ?? signal)));
    try {
      // It can not end before its output is taken, so its memory can be read at its highest.
      await delay(500);
      const status = readFileSync(`/proc/${child.pid}/status`, "utf8");
      const peak = Number(/^VmHWM:\s+(\d+) kB$/m.exec(status)?.[1]);
      expect(peak).toBeGreaterThan(500);
      expect(peak * 1024).toBeLessThan(6e6);
      let output = pipe.empty();
      while (child.exitCode === null && child.signalCode === null) {
        output += pipe.empty();
        await delay(5);
      }
      expect(await exit).toBe(0);
      output += pipe.empty();
      const timeless = (text: string) => text.replace(/time="[^"]*"/g, "time");
      expect(timeless(output.replace(/^#+/, ""))).toBe(timeless(run(path, args).stdout));
    } finally {
      child.kill("SIGKILL");
      closeSync(pipe.descriptor);
    }
  });
});

describe.skipIf(notBuilt !== undefined)(titled("static executable", notBuilt), () => {
  test("is smaller when it writes no rules", () => {
    const [proxyInit = 0, , validator = 0] = executables.map((path) => statSync(path).size);
    expect(validator).toBeLessThan(proxyInit - 300_000);
  });

  test("runs without an environment", () => {
    expect(shell('exec env -i "$0" exit 3', standaloneProbe).code).toBe(3);
  });

  test("offers the script nothing that could compile or load code", () => {
    const globals = run(standaloneProbe, ["globals"]).stdout.split("\n");
    expect(globals).toContain("sluiceNative");
    for (const name of ["std", "os", "print", "require", "process"]) expect(globals).not.toContain(name);
  });

  test("reads at most 16 MiB of a file", () => {
    const { code, stderr } = run(standaloneProbe, ["read", "/dev/zero"]);
    expect({ code, stderr }).toEqual({
      code: 1,
      stderr: "probe: cannot read /dev/zero: longer than 16 MiB\n",
    });
  });

  test("gives the reason why it cannot read", () => {
    expect(run(standaloneProbe, ["read", "/"]).stderr).toBe("probe: cannot read /: Is a directory\n");
  });

  test("has the core linked in", () => {
    const reply: unknown = JSON.parse(run(standaloneProbe, ["call", '{"op":"no-such-op"}']).stdout);
    expect(reply).toMatchObject({ error: { code: "invalid-request" } });
  });
});

describe.skipIf(needsRoot !== undefined)(titled("static executable, run by root", needsRoot), () => {
  test("runs in an empty root, as nobody", () => {
    const root = folder();
    copyFileSync(standaloneProbe, join(root, "probe"));
    const { code, stdout } = run("chroot", ["--userspec=65534:65534", root, "/probe", "args", "x"]);
    expect({ code, stdout }).toEqual({ code: 0, stdout: '["args","x"]' });
  });

  test("works in another namespace on a thread, and stays in its own", async () => {
    const own = readlinkSync("/proc/self/ns/net");
    // cat becomes the process that holds the namespace, until its input ends.
    const holder = spawn("unshare", ["-n", "cat"], { stdio: ["pipe", "ignore", "inherit"] });
    try {
      const netns = `/proc/${holder.pid}/ns/net`;
      while (readlinkSync(netns) === own) await delay(5);
      const script = '"$0" call "$1"; echo; cat /proc/sys/net/ipv4/ip_default_ttl';
      const set = (value: string) => {
        const request = JSON.stringify({ op: "sysctl", netns, name: "net.ipv4.ip_default_ttl", value });
        return run("unshare", ["-n", "sh", "-c", script, standaloneProbe, request]).stdout;
      };
      expect(set("63")).toBe('{"ok":{"previous":"64"}}\n64\n');
      expect(set("64")).toBe('{"ok":{"previous":"63"}}\n64\n');
    } finally {
      holder.stdin.end();
    }
  });
});

describe.skipIf(needsSetcap !== undefined)(titled("file capabilities", needsSetcap), () => {
  test("make it ignore the environment", () => {
    const path = join(folder(), "probe");
    copyFileSync(standaloneProbe, path);
    chmodSync(path, 0o755);
    const seen = () =>
      JSON.parse(run(path, ["env", "SLUICE_TEST"], { ...nobody, env: { SLUICE_TEST: "x" } }).stdout);
    expect(seen()).toBe("x");
    expect(run("setcap", ["cap_net_admin+ep", path])).toMatchObject({ code: 0 });
    expect(seen()).toBeNull();
  });

  test.each(["nft", "legacy"])(
    "are all that mode %s needs in a pod: uid 65534, a read-only root, /run for the lock",
    (mode) => {
      const [proxyInit = ""] = executables;
      const path = join(folder(), "proxy-init");
      copyFileSync(proxyInit, path);
      chmodSync(path, 0o755);
      expect(run("setcap", ["cap_net_admin,cap_net_raw+ep", path])).toMatchObject({ code: 0 });
      // Namespaces of its own for the network and the mounts: what is /run here is not the machine's.
      const pod = `mount -t tmpfs -o mode=777 none /run && mount -o remount,bind,ro / &&
      setpriv --reuid=65534 --regid=65534 --clear-groups "$0" "$@" && find /run -type f -printf '%p %U %m\\n' &&
      unset XTABLES_LOCKFILE && iptables-${mode}-save -t nat | grep -c PROXY_INIT`;
      const elsewhere = join(folder(), "lock");
      const flags = [
        "-p",
        "4143",
        "-o",
        "4140",
        "-u",
        "2102",
        "--log-level",
        "error",
        "--iptables-mode",
        mode,
      ];
      const env = { PATH: process.env.PATH ?? "", XTABLES_LOCKFILE: elsewhere };
      const result = run("unshare", ["--net", "--mount", "sh", "-c", pod, path, ...flags], { env });
      const lock = mode === "legacy" ? "/run/xtables.lock 65534 600\n" : "";
      expect(result).toMatchObject({ code: 0, stdout: `${lock}8\n`, stderr: "" });
      expect(existsSync(elsewhere)).toBe(false);
    },
  );
});
