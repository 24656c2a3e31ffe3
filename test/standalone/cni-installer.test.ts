// SPDX-License-Identifier: GPL-2.0-or-later

import { spawn } from "node:child_process";
import { once } from "node:events";
import {
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from "node:fs";
import { request } from "node:http";
import { connect } from "node:net";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, test } from "vitest";
import { LIST, SINGLE } from "../cni/installer/node.ts";
import { freePort, HostNode, sluiceHosts, until } from "./cni-node.ts";

const OURS = "sluice-cni";
const CALICO = ["calico", "portmap"];

describe.each(sluiceHosts)("sluice cni install on %s", (_, command) => {
  /** Installs, lets something happen, ends, and compares what is there with what others have made. */
  async function staged(
    configurations: Readonly<Record<string, string>>,
    act: (node: HostNode) => Promise<void>,
    changed: (node: HostNode) => void = () => {},
  ): Promise<void> {
    await using expected = new HostNode(command, configurations);
    changed(expected);
    await using node = new HostNode(command, configurations);
    const child = node.start();
    await act(node);
    expect(await node.end(child), node.output).toBe(0);
    expect([...node.broken]).toEqual([]);
    const moved = (snapshot: Record<string, string>, root: string) =>
      Object.entries(snapshot).map(([path, content]) => [path.replace(root, ""), content]);
    expect(moved(node.snapshot(), node.root)).toEqual(moved(expected.snapshot(), expected.root));
  }

  test.each([
    ["10-calico.conflist", LIST, CALICO],
    ["10-x.conf", SINGLE, ["bridge"]],
    ["10-x.json", SINGLE, ["bridge"]],
  ])("adds the entry to %s, and takes it out", (name, text, types) =>
    staged({ [name]: text }, async (node) => {
      await node.hasTypes(...types, OURS);
      const kubeconfig = join(node.net, "ZZZ-linkerd-cni-kubeconfig");
      expect(statSync(kubeconfig).mode & 0o777).toBe(0o600);
      expect(statSync(join(node.bin, OURS)).mode & 0o777).toBe(0o755);
      expect(readFileSync(join(node.bin, OURS), "utf8")).toBe("executable 1");
      const list = name.replace(/\.(conf|json)$/, ".conflist");
      expect(node.read(list)).toContain('"/etc/cni/net.d/ZZZ-linkerd-cni-kubeconfig"');
    }),
  );

  test("waits for a configuration, and says so", () =>
    staged(
      {},
      async (node) => {
        await node.says("waiting: there is no CNI configuration yet");
        node.write("10-calico.conflist", LIST);
        await node.hasTypes(...CALICO, OURS);
      },
      (expected) => expected.write("10-calico.conflist", LIST),
    ));

  test("adds it again when another program writes its file, which is what is restored", () => {
    const newer = LIST.replace("1440", "9000");
    return staged(
      { "10-calico.conflist": LIST },
      async (node) => {
        await node.hasTypes(...CALICO, OURS);
        node.write("10-calico.conflist", newer, 0o600);
        await node.hasTypes(...CALICO, OURS);
        expect(node.read("10-calico.conflist")).toContain("9000");
      },
      (expected) => expected.write("10-calico.conflist", newer, 0o600),
    );
  });

  test("moves to a file that comes before, and back when that is deleted", () =>
    staged({ "10-calico.conflist": LIST }, async (node) => {
      await node.hasTypes(...CALICO, OURS);
      node.write("05-x.conf", SINGLE);
      await node.hasTypes("bridge", OURS);
      await until(
        () => node.read("10-calico.conflist") === LIST,
        () => node.output,
      );
      unlinkSync(join(node.net, "05-x.conflist"));
      await node.hasTypes(...CALICO, OURS);
    }));

  test("writes a rotated token and certificate into the kubeconfig", () =>
    staged({ "10-calico.conflist": LIST }, async (node) => {
      await node.hasTypes(...CALICO, OURS);
      node.rotate("two", "second.token.x");
      await until(
        () => node.read("ZZZ-linkerd-cni-kubeconfig").includes("second.token.x"),
        () => node.output,
      );
      const authority = "-----BEGIN CERTIFICATE-----\nnew\n";
      node.rotate("three", "second.token.x", authority);
      const encoded = Buffer.from(authority).toString("base64");
      await until(
        () => node.read("ZZZ-linkerd-cni-kubeconfig").includes(encoded),
        () => node.output,
      );
    }));

  test("puts back an executable or a kubeconfig that somebody has changed", () =>
    staged({ "10-calico.conflist": LIST }, async (node) => {
      await node.hasTypes(...CALICO, OURS);
      unlinkSync(join(node.bin, OURS));
      await until(
        () => node.snapshot()[join(node.bin, OURS)] !== undefined,
        () => node.output,
      );
      writeFileSync(join(node.net, "ZZZ-linkerd-cni-kubeconfig"), "x");
      await until(
        () => node.read("ZZZ-linkerd-cni-kubeconfig").includes("first.token.x"),
        () => node.output,
      );
    }));

  test("passes over what no runtime can use, and says so", () =>
    staged({ "00-garbage.conf": "{", "01-no.conflist": "[]", "10-calico.conflist": LIST }, async (node) => {
      await node.says("00-garbage.conf is not JSON; it is left alone");
      await until(
        () => node.read("10-calico.conflist").includes(OURS),
        () => node.output,
      );
    }));

  test("touches nothing behind a file that it cannot read", async () => {
    await using node = new HostNode(command, { "10-calico.conflist": LIST });
    writeFileSync(join(node.net, "00-latin.conflist"), Buffer.from([0x7b, 0xe4]));
    const child = node.start();
    await node.says("it is not UTF-8");
    expect(node.read("10-calico.conflist")).toBe(LIST);
    writeFileSync(join(node.net, "00-latin.conflist"), Buffer.alloc(2 << 20, " "));
    await node.says("it is too long");
    expect(node.read("10-calico.conflist")).toBe(LIST);
    await node.end(child);
  });

  test("writes the file that a symbolic link leads to", async () => {
    await using node = new HostNode(command);
    writeFileSync(join(node.net, "real"), LIST);
    symlinkSync("/etc/cni/net.d/real", join(node.net, "10-calico.conflist"));
    const child = node.start();
    await until(
      () => node.read("real").includes(OURS),
      () => node.output,
    );
    expect(await node.end(child)).toBe(0);
    expect(node.read("real")).toBe(LIST);
  });

  test("copies an executable once that a symbolic link leads to", async () => {
    await using node = new HostNode(command, { "10-calico.conflist": LIST });
    renameSync(node.plugin, `${node.plugin}-1`);
    symlinkSync(`${node.plugin}-1`, node.plugin);
    const child = node.start(["--poll", "100ms"]);
    await node.hasTypes(...CALICO, OURS);
    await sleep(1000);
    expect(node.output.match(/bin\/sluice-cni written/g)).toHaveLength(1);
    expect(await node.end(child)).toBe(0);
  });

  test("starts over what an earlier one has left that was killed at any moment", async () => {
    await using node = new HostNode(command, { "10-x.conf": SINGLE, "20-calico.conflist": LIST });
    const before = node.snapshot();
    for (let i = 0; i < 12; i++) {
      const child = node.start();
      await sleep((command.length === 1 ? 8 : 120) * Math.random());
      await node.end(child, "SIGKILL");
      expect(node.types()).toBeDefined();
    }
    writeFileSync(node.plugin, "executable 2", { mode: 0o755 });
    const child = node.start();
    await node.hasTypes("bridge", OURS);
    await until(
      () => readFileSync(join(node.bin, OURS), "utf8") === "executable 2",
      () => node.output,
    );
    await node.end(child, "SIGKILL");
    expect(await node.uninstall()).toBe(0);
    expect(node.snapshot()).toEqual(before);
    expect(await node.uninstall()).toBe(0);
    expect([...node.broken]).toEqual([]);
  });

  test("waits while another installer is at work, and says so if that takes long", async () => {
    await using node = new HostNode(command, { "10-x.conf": SINGLE });
    const before = node.snapshot();
    const other = spawn("flock", [node.net, "sleep", "infinity"], { detached: true, stdio: "ignore" });
    await once(other, "spawn");
    await sleep(200);
    const child = node.start();
    await node.says(`cannot lock ${node.net}: another process has it locked`);
    expect(node.snapshot()).toEqual(before);
    // With the child that it has started.
    process.kill(-(other.pid ?? Number.NaN));
    await node.hasTypes("bridge", OURS);
    expect(await node.end(child)).toBe(0);
    expect(node.snapshot()).toEqual(before);
  });

  test("takes over from one that ends at the same moment, and nothing is lost", async () => {
    for (let i = 0; i < 8; i++) {
      await using node = new HostNode(command, { "10-x.conf": SINGLE, "10-x.json": SINGLE });
      const before = node.snapshot();
      const others = [node.start(), node.start()];
      await node.hasTypes("bridge", OURS);
      const last = node.start();
      await sleep((command.length === 1 ? 8 : 120) * Math.random());
      await Promise.all(others.map((other) => node.end(other)));
      await node.hasTypes("bridge", OURS);
      expect(await node.end(last)).toBe(0);
      expect(node.snapshot(), node.output).toEqual(before);
    }
  });

  test("stays correct beside a program that writes all the time, says so, and rests", async () => {
    await using node = new HostNode(command, { "10-calico.conflist": LIST });
    const child = node.start();
    await node.hasTypes(...CALICO, OURS);
    const start = cpuTicks(child.pid);
    for (let i = 0; i < 40; i++) {
      node.write("10-calico.conflist", LIST);
      await sleep(50);
    }
    // In hundredths of a second, of two.
    expect(cpuTicks(child.pid) - start).toBeLessThan(50);
    await node.says("another program keeps writing to 10-calico.conflist");
    await node.hasTypes(...CALICO, OURS);
    expect(await node.end(child)).toBe(0);
    expect(node.read("10-calico.conflist")).toBe(LIST);
    expect([...node.broken]).toEqual([]);
  });

  test("answers /live, /ready and /metrics, and nothing else", async () => {
    await using node = new HostNode(command);
    const port = await freePort();
    const child = node.start(["--admin-port", String(port)]);
    await node.says("waiting");
    expect(await ask(port, "/live")).toMatchObject({ status: 200, body: "live\n" });
    expect(await ask(port, "/ready")).toMatchObject({
      status: 503,
      body: "there is no CNI configuration yet\n",
    });
    node.write("10-calico.conflist", LIST);
    await node.says("ready:");
    expect(await ask(port, "/ready?verbose")).toMatchObject({ status: 200, body: "ready\n" });
    expect(await ask(port, "/ready", "HEAD")).toMatchObject({ status: 200, body: "" });
    expect(await ask(port, "/", "GET")).toMatchObject({ status: 404 });
    expect(await ask(port, "/__proto__", "GET")).toMatchObject({ status: 404 });
    expect(await ask(port, "/ready", "POST")).toMatchObject({ status: 405 });
    const { type, body } = await ask(port, "/metrics");
    expect(type).toBe("text/plain; version=0.0.4; charset=utf-8");
    expect(body).toContain("\nsluice_cni_installer_ready 1\n");
    expect(body).toContain("\nsluice_cni_installer_configuration_rewrites_total 1\n");
    await node.end(child);
  });

  test("answers others while clients are slow, hostile, and many", async () => {
    await using node = new HostNode(command, { "10-calico.conflist": LIST });
    const port = await freePort();
    const child = node.start(["--admin-port", String(port)]);
    await node.says("ready:");
    const slow = Array.from({ length: 100 }, (_, i) => {
      const socket = connect(port, "127.0.0.1");
      socket.on("error", () => {});
      socket.write(["GET /li", "x".repeat(100_000), "\0\r\n\r\n", "GET / HTTP/9\r\n\r\n", ""][i % 5] ?? "");
      return socket;
    });
    for (let i = 0; i < 10; i++) expect(await ask(port, "/live")).toMatchObject({ status: 200 });
    const closed = Promise.all(
      slow.map((socket) => socket.destroyed || new Promise((go) => socket.once("close", go))),
    );
    // Reading, so that their ends are seen.
    for (const socket of slow) socket.resume();
    await Promise.race([closed, sleep(8000).then(() => Promise.reject(new Error("some are still there")))]);
    expect(await node.end(child)).toBe(0);
  });

  test("is not ready, and tries again, when a folder cannot be written", async () => {
    await using node = new HostNode(command, { "10-calico.conflist": LIST });
    rmSync(node.bin, { recursive: true });
    writeFileSync(node.bin, "no folder");
    const child = node.start(["--poll", "100ms"]);
    await node.says(`level=error`);
    expect(node.read("10-calico.conflist")).toBe(LIST);
    expect(node.output.match(/level=error/g)).toHaveLength(1);
    rmSync(node.bin);
    mkdirSync(node.bin);
    await node.hasTypes(...CALICO, OURS);
    await node.end(child);
  });

  test.runIf(process.getuid?.() === 0).each([
    [
      "there is no space",
      (node: HostNode) => `mount -t tmpfs -o size=64k none ${node.bin}`,
      /no space left/i,
    ],
    [
      "the folder is read-only",
      ({ net }: HostNode) => `mount --bind ${net} ${net} && mount -o remount,ro,bind ${net}`,
      /read-only file system \(the node's folder has to be mounted for writing\)/i,
    ],
  ])("says on one line that %s, and leaves nothing half written", async (_name, mount, reason) => {
    await using node = new HostNode(command, { "10-calico.conflist": LIST });
    writeFileSync(node.plugin, "x".repeat(200_000));
    // In a mount namespace of its own, which ends with it.
    const script = `${mount(node)} && exec "$@"`;
    const child = node.start([], { before: ["unshare", "--mount", "sh", "-c", script, "sh"] });
    await node.says("level=error");
    expect(node.output).toMatch(reason);
    expect(node.read("10-calico.conflist")).toBe(LIST);
    expect(await node.end(child)).toBe(0);
    expect(Object.keys(node.snapshot())).toEqual([join(node.net, "10-calico.conflist")]);
  });

  test("leaves everything in place with --keep", async () => {
    await using node = new HostNode(command, { "10-calico.conflist": LIST });
    const child = node.start(["--keep"]);
    await node.hasTypes(...CALICO, OURS);
    expect(await node.end(child, "SIGINT")).toBe(0);
    expect(node.types()).toEqual([...CALICO, OURS]);
    expect(await node.uninstall()).toBe(0);
    expect(node.read("10-calico.conflist")).toBe(LIST);
  });

  test.runIf(process.getuid?.() === 0)("ends in its way as the first process of a container", async () => {
    await using node = new HostNode(command, { "10-calico.conflist": LIST });
    const child = node.start([], { before: ["unshare", "--pid", "--fork", "--kill-child"] });
    await node.hasTypes(...CALICO, OURS);
    const children = readFileSync(`/proc/${child.pid}/task/${child.pid}/children`, "utf8").trim();
    process.kill(Number(children), "SIGTERM");
    await until(
      () => child.exitCode !== null,
      () => node.output,
    );
    expect(child.exitCode).toBe(0);
    expect(node.read("10-calico.conflist")).toBe(LIST);
  });

  test.each([
    ["CNI_NETWORK_CONFIG", "{", "CNI_NETWORK_CONFIG (--network-config): is not JSON"],
    ["CNI_NETWORK_CONFIG", "", "CNI_NETWORK_CONFIG (--network-config): is needed"],
    [
      "CNI_NETWORK_CONFIG",
      '{"type":"sluice-cni","linkerd":{"incoming-proxy-port":4143,"outgoing-proxy-port":"4140"}}',
      "linkerd.outgoing-proxy-port: must be a whole number",
    ],
    ["CNI_NETWORK_CONFIG", '{"type":"a/b"}', 'type: "a/b" is no name of an executable'],
    ["KUBERNETES_SERVICE_HOST", "", "KUBERNETES_SERVICE_HOST (--kubernetes-host): is needed"],
    ["KUBERNETES_SERVICE_PORT", "x", 'KUBERNETES_SERVICE_PORT (--kubernetes-port): "x" is no port'],
    ["DEST_CNI_NET_DIR", "etc", 'DEST_CNI_NET_DIR (--net-dir): "etc" is no absolute path'],
  ])("ends with one line for %s=%s", async (variable, value, line) => {
    await using node = new HostNode(command);
    Object.assign(node.env, { [variable]: value });
    const child = node.start();
    await until(
      () => child.exitCode !== null,
      () => node.output,
    );
    expect(child.exitCode).toBe(1);
    await node.says(line);
    expect(node.output.trim().split("\n")).toHaveLength(1);
  });

  test("ends with one line for a port that is taken", async () => {
    await using node = new HostNode(command);
    const port = await freePort();
    const flags = ["--admin-port", String(port)];
    const first = node.start(flags);
    await node.says("waiting");
    const second = node.start(flags);
    await until(
      () => second.exitCode !== null,
      () => node.output,
    );
    expect(second.exitCode).toBe(1);
    expect(node.output).toContain(`sluice cni install: --admin-port: cannot listen on port ${port}: `);
    await node.end(first);
  });
});

/** User and system time of a process, in hundredths of a second. */
function cpuTicks(pid: number | undefined): number {
  const fields = readFileSync(`/proc/${pid}/stat`, "utf8")
    .replace(/^.*\) /, "")
    .split(" ");
  return Number(fields[11]) + Number(fields[12]);
}

interface Answer {
  readonly status: number | undefined;
  readonly type: string | undefined;
  readonly body: string;
}

function ask(port: number, path: string, method = "GET"): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const asked = request({ port, path, method, host: "127.0.0.1", agent: false }, (response) => {
      let body = "";
      response.setEncoding("utf8");
      response.on("data", (chunk: string) => {
        body += chunk;
      });
      response.on("end", () =>
        resolve({ status: response.statusCode, type: response.headers["content-type"], body }),
      );
    });
    asked.on("error", reject).end();
  });
}
