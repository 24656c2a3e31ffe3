// SPDX-License-Identifier: GPL-2.0-or-later

import { once } from "node:events";
import {
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { install, NetfilterError } from "../../src/index.ts";
import {
  createNamespace,
  type ExecOptions,
  type ExecResult,
  type NetworkNamespace,
} from "../../src/testing/index.ts";
import { describeHosts, env, MINIMAL, type Place, type ProgramHost, proxyInit } from "./hosts.ts";
import { legacyTables, output, savedRules } from "./kernel-state.ts";

const LEGACY = [...MINIMAL, "--iptables-mode", "legacy"];

let folder = "";
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "sluice-xtables-lock-"));
});
afterAll(() => rmSync(folder, { recursive: true }));

/** A program that holds the lock, as iptables would, until it is told to let go. */
async function hold(namespace: NetworkNamespace, file: string) {
  const holder = namespace.spawn("flock", [file, "sh", "-c", "echo held; cat"]);
  if (holder.stdout === null) throw new TypeError("the program has no standard output");
  await once(holder.stdout, "data");
  return {
    async release() {
      holder.stdin?.end();
      await once(holder, "close");
    },
    async kill() {
      if (holder.pid !== undefined) process.kill(-holder.pid, "SIGKILL");
      await once(holder, "close");
    },
  };
}

/** A socket of the file system on which somebody listens. */
async function listening(file: string): Promise<AsyncDisposable> {
  const server = createServer().listen(file);
  await once(server, "listening");
  return {
    async [Symbol.asyncDispose]() {
      server.close();
      await once(server, "close");
    },
  };
}

const withLock = (file: string): ExecOptions => ({ env: { ...env, XTABLES_LOCKFILE: file } });

/** A run that cannot have the lock: one line, and not even the table is made. */
async function lockless(run: Promise<ExecResult>, namespace: Place): Promise<string> {
  const { code, stderr } = await run;
  expect(code).toBe(1);
  expect(stderr).toMatch(/^proxy-init: [^\n]+\n$/);
  expect(await legacyTables(namespace)).toBe("");
  return stderr;
}

describeHosts("the xtables lock", (host: ProgramHost) => {
  test("held by another program: a clear error at the deadline; -w waits until it is free", async () => {
    await using namespace = await createNamespace();
    const file = join(folder, `held-${host.name}`);
    const holder = await hold(namespace, file);
    const waiting = proxyInit(host, namespace, [...LEGACY, "-w"], withLock(file));
    const start = Date.now();
    const stderr = await lockless(proxyInit(host, namespace, LEGACY, withLock(file)), namespace);
    expect(Date.now() - start).toBeGreaterThanOrEqual(5000);
    expect(stderr).toMatch(
      new RegExp(
        `^proxy-init: another program holds the xtables lock ${file}: given up after (49|50)\\d\\d ms; --use-wait-flag waits without a deadline\n$`,
      ),
    );
    // The one that waits still does, and has it as soon as it is let go.
    await holder.release();
    expect(await waiting).toMatchObject({ code: 0, stderr: "" });
    expect((await savedRules(namespace, "legacy")).v6.join("\n")).toContain("PROXY_INIT_OUTPUT");
    expect(lstatSync(file).mode & 0o777).toBe(0o644); // made by flock(1), and left as it was
  });

  test("is made as iptables makes it, and is iptables's own", async () => {
    await using namespace = await createNamespace();
    const file = join(folder, `made-${host.name}`);
    expect(await proxyInit(host, namespace, LEGACY, withLock(file))).toMatchObject({ code: 0, stderr: "" });
    expect(lstatSync(file)).toMatchObject({ size: 0, uid: 0 });
    expect(lstatSync(file).mode & 0o777).toBe(0o600);
    const holder = await hold(namespace, file);
    const theirs = await namespace.exec(
      "iptables-legacy",
      ["-w", "1", "-t", "nat", "-F", "OUTPUT"],
      withLock(file),
    );
    expect(theirs.code).toBe(4);
    await holder.release();
  });

  test("a file of root's, for another user", async () => {
    await using namespace = await createNamespace();
    const file = join(folder, `root-${host.name}`);
    writeFileSync(file, "", { mode: 0o600 });
    const ids = { uid: 65534, gid: 65534 };
    // Even with all that ip_tables asks for.
    const run = proxyInit(host, namespace, LEGACY, { ...withLock(file), ...ids });
    expect(await lockless(run, namespace)).toContain(
      `cannot open the xtables lock ${file}: Permission denied (EACCES); it belongs to another user`,
    );
  });

  test("a symbolic link in its place is not followed, wherever it leads", async () => {
    await using namespace = await createNamespace();
    const elsewhere = join(folder, `elsewhere-${host.name}`);
    const file = join(folder, `link-${host.name}`);
    symlinkSync(elsewhere, file);
    const line = `cannot open the xtables lock ${file}: Too many levels of symbolic links (ELOOP); it is a symbolic link`;
    expect(await lockless(proxyInit(host, namespace, LEGACY, withLock(file)), namespace)).toContain(line);
    expect(existsSync(elsewhere)).toBe(false);
    writeFileSync(elsewhere, "theirs");
    expect(await lockless(proxyInit(host, namespace, LEGACY, withLock(file)), namespace)).toContain(line);
  });

  test.each([
    ["a folder", (file: string) => mkdirSync(file), "is not a regular file"],
    [
      "a folder that is not there",
      (file: string) => rmSync(file, { recursive: true, force: true }),
      "No such file",
    ],
  ])("%s in its place", async (what, make, message) => {
    await using namespace = await createNamespace();
    const file = join(folder, `${what.length}-${host.name}`);
    make(file);
    const path = message.startsWith("No") ? join(file, "xtables.lock") : file;
    const stderr = await lockless(proxyInit(host, namespace, LEGACY, withLock(path)), namespace);
    expect(stderr).toContain(path);
    expect(stderr).toContain(message);
  });

  test("a device in its place is not locked", async () => {
    await using namespace = await createNamespace();
    // Of the machine's, too: whoever may open it could lock it.
    const stderr = await lockless(proxyInit(host, namespace, LEGACY, withLock("/dev/null")), namespace);
    expect(stderr).toContain("/dev/null is not a regular file");
  });

  test("a socket in its place", async () => {
    await using namespace = await createNamespace();
    const file = join(folder, `socket-${host.name}`);
    await using _ = await listening(file);
    expect(await lockless(proxyInit(host, namespace, LEGACY, withLock(file)), namespace)).toContain(
      `cannot open the xtables lock ${file}: No such device or address (ENXIO); it is no regular file`,
    );
  });

  test.each([
    ["a name that is too long", "n".repeat(256), "File name too long (ENAMETOOLONG)"],
    ["a file where its folder should be", "file/xtables.lock", "Not a directory (ENOTDIR)"],
  ])("%s", async (what, name, message) => {
    await using namespace = await createNamespace();
    const inside = join(folder, `${what.length}-${host.name}-in`);
    mkdirSync(inside);
    writeFileSync(join(inside, "file"), "");
    const file = join(inside, name);
    expect(await lockless(proxyInit(host, namespace, LEGACY, withLock(file)), namespace)).toContain(
      `cannot open the xtables lock ${file}: ${message}`,
    );
  });

  test("what a holder that was killed has left does not count", async () => {
    await using namespace = await createNamespace();
    const file = join(folder, `stale-${host.name}`);
    writeFileSync(file, "4711\n", { mode: 0o600 });
    const holder = await hold(namespace, file);
    await holder.kill();
    const start = Date.now();
    expect(await proxyInit(host, namespace, LEGACY, withLock(file))).toMatchObject({ code: 0, stderr: "" });
    expect(Date.now() - start).toBeLessThan(4000);
    expect(readFileSync(file, "utf8")).toBe("4711\n");
  });

  test("a FIFO in its place does not hold it up", async () => {
    await using namespace = await createNamespace();
    const file = join(folder, `fifo-${host.name}`);
    await output(namespace, "mkfifo", [file]);
    expect(await lockless(proxyInit(host, namespace, LEGACY, withLock(file)), namespace)).toContain(
      "is not a regular file",
    );
  });

  test("on a read-only file system: an error where it would have to be made, no matter where it is", async () => {
    await using namespace = await createNamespace();
    const mounted = join(folder, `mounted-${host.name}`);
    mkdirSync(mounted);
    // In a mount namespace of its own.
    const onReadOnly = (make: string): ProgramHost => ({
      ...host,
      command: [
        "unshare",
        "--mount",
        "sh",
        "-c",
        `cd "$0" && mount -t tmpfs none . && cd "$0" && ${make} && mount -o remount,ro . && exec "$@"`,
        mounted,
        ...host.command,
      ],
    });
    const options = withLock(join(mounted, "xtables.lock"));
    const run = proxyInit(onReadOnly("true"), namespace, LEGACY, options);
    expect(await lockless(run, namespace)).toContain(
      `cannot open the xtables lock ${mounted}/xtables.lock: Read-only file system (EROFS); mount something writable there`,
    );
    const made = onReadOnly("touch xtables.lock");
    expect(await proxyInit(made, namespace, LEGACY, options)).toMatchObject({ code: 0, stderr: "" });
  });

  test("the mode nft needs none", async () => {
    await using namespace = await createNamespace();
    const result = await proxyInit(host, namespace, MINIMAL, withLock(join(folder, "no/such/folder/lock")));
    expect(result).toMatchObject({ code: 0, stderr: "" });
  });
});

test("the library's deadline bounds the wait, and the error says so", async () => {
  await using namespace = await createNamespace();
  const file = process.env.XTABLES_LOCKFILE ?? "";
  const holder = await hold(namespace, file);
  const policy = { inbound: { proxyPort: 4143 } };
  const target = { mode: "legacy", netns: namespace.path } as const;
  const start = Date.now();
  const error = await install(policy, { ...target, timeoutMs: 300 }).catch((reason: unknown) => reason);
  expect(Date.now() - start).toBeGreaterThanOrEqual(300);
  expect(Date.now() - start).toBeLessThan(3000);
  expect(error).toBeInstanceOf(NetfilterError);
  expect(error).toMatchObject({ code: "timed-out", mode: "legacy" });
  expect(await legacyTables(namespace)).toBe("");
  // Two calls wait beside one another, and hold nobody up who needs no lock.
  const both = [install(policy, target), install(policy, target)];
  await install(policy, { netns: namespace.path, mode: "nft" }).catch(() => undefined);
  await holder.release();
  const reports = await Promise.all(both);
  expect(reports.filter(({ changed }) => changed)).toHaveLength(1);
});
