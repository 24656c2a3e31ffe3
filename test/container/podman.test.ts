// SPDX-License-Identifier: GPL-2.0-or-later

// A Pod as YAML, run by podman.

import { readFileSync } from "node:fs";
import path from "node:path";
import { afterAll, beforeAll, expect, it, vi } from "vitest";
import { images } from "./images.ts";
import { room } from "./kubelet.ts";

const network = "sluice";
const pod = readFileSync(path.join(import.meta.dirname, "pod.yaml"), "utf8");
const busybox = path.join(import.meta.dirname, "../../build/releases/trixie/root/usr/bin/busybox");

/** Plays a Pod; rejects as podman does when an init container fails. */
const play = (yaml: string) =>
  room().run("sh", "-c", `printf %s "$0" | podman play kube --network ${network} -`, yaml);
/** Without the ten seconds that each server would get to end, which as a first process ignores SIGTERM. */
const down = (name = "sluice-example") =>
  room().run("sh", "-c", 'podman pod kill "$0"; podman pod rm --force "$0"', name);

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

it("plays deploy/check: the rules are in the log, and the validator finds them at work", async () => {
  const check = readFileSync(path.join(import.meta.dirname, "../../deploy/check/pod.yaml"), "utf8")
    .replaceAll(/image: sluice:.*/g, `image: ${images.image}`)
    // Else podman removes the init container, and its log with it.
    .replace(/^ {2}name: .*/m, "$&\n  annotations: {io.podman.annotations.init.container.type: always}");
  await play(check);
  try {
    const code = await room().run("podman", "wait", "sluice-check-validate");
    const logs = (name: string) => room().run("podman", "logs", `sluice-check-${name}`);
    expect({ code: code.trim(), log: await logs("validate") }).toEqual({
      code: "0",
      log: expect.stringContaining(
        "outbound IPv4: redirected to port 4140, the original destination is known",
      ),
    });
    expect(await logs("linkerd-init")).toContain("--to-ports 4143");
  } finally {
    await down("sluice-check");
  }
});
