// SPDX-License-Identifier: GPL-2.0-or-later

// A Pod as YAML, run by podman.

import { readFileSync } from "node:fs";
import path from "node:path";
import { afterAll, beforeAll, expect, it, vi } from "vitest";
import { room } from "./kubelet.ts";

const network = "sluice";
const pod = readFileSync(path.join(import.meta.dirname, "pod.yaml"), "utf8");
const busybox = path.join(import.meta.dirname, "../../build/releases/trixie/root/usr/bin/busybox");

/** Plays a Pod; rejects as podman does when an init container fails. */
const play = (yaml: string) =>
  room().run("sh", "-c", `printf %s "$0" | podman play kube --network ${network} -`, yaml);
/** Without the ten seconds that each server would get to end, which as a first process ignores SIGTERM. */
const down = () =>
  room().run("sh", "-c", "podman pod kill sluice-example; podman pod rm --force sluice-example");

beforeAll(async () => {
  await room().run("podman", "network", "create", "--subnet=198.18.8.0/24", network);
});
afterAll(() => room().run("podman", "network", "rm", "--force", network));

it("redirects a pod of podman play kube", async () => {
  await play(pod);
  try {
    const log = await room().run("podman", "logs", "sluice-example-linkerd-init");
    expect(log).toContain("--to-ports 4143");
    const format = '--format={{(index .NetworkSettings.Networks "sluice").IPAddress}}';
    const infra = (
      await room().run("podman", "pod", "inspect", "sluice-example", "--format={{.InfraContainerID}}")
    ).trim();
    const address = (await room().run("podman", "inspect", infra, format)).trim();
    const wget = ["wget", "-q", "-T", "3", "-O", "-", `http://${address}:8080/`];
    await vi.waitFor(async () => expect(await room().run(busybox, ...wget)).toBe("inbound"), 5000);
  } finally {
    await down();
  }
});

it("does not start the app when the rules cannot be written", async () => {
  const broken = pod.replace("--incoming-proxy-port=4143", "--incoming-proxy-port=none");
  await expect(play(broken)).rejects.toThrow();
  try {
    const states = await room().run(
      "podman",
      "ps",
      "--all",
      "--filter=pod=sluice-example",
      "--format={{.Names}} {{.State}}",
    );
    expect(states).toMatch(/sluice-example-app (created|configured)/i);
  } finally {
    await down();
  }
});
