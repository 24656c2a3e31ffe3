// SPDX-License-Identifier: GPL-2.0-or-later

// The static executables for arm64, emulated: the emulation of system calls knows no netfilter, so this is about everything else.

import { existsSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { run } from "./run.ts";

const repository = join(import.meta.dirname, "../..");
const own = (name: string) => join(repository, "dist/standalone", name);
const foreign = (name: string) => join(repository, "dist/standalone/arm64", name);
const FLAGS = ["--incoming-proxy-port=4143", "--outgoing-proxy-port=4140", "--proxy-uid=2102"];
const MORE = ["--inbound-ports-to-ignore=4190,4567-4568", "--subnets-to-ignore=10.0.0.0/8,fd00::/8"];

/** When it was written. */
const timeless = (text: string) => text.replaceAll(/time="[^"]*"/g, "");

const built = existsSync(foreign("proxy-init"));
const missing = process.arch === "x64" && !built ? " (skipped: dist/standalone/arm64 is missing)" : "";

describe.skipIf(!built)(`the executables for arm64${missing}`, () => {
  test.each([
    ["proxy-init", [...FLAGS, ...MORE, "--simulate", "--iptables-mode=nft"]],
    ["proxy-init", ["--help"]],
    ["proxy-init", ["--incoming-proxy-port=x"]],
    ["network-validator", ["--help"]],
    ...["table", "iptables-save", "json", "mermaid", "svg"].map(
      (format) => ["sluice", ["plan", ...FLAGS, ...MORE, `--format=${format}`]] as const,
    ),
    ["sluice", ["plan", ...FLAGS, ...MORE, "--format=nft", "--iptables-mode=nftables"]],
    ["sluice", ["explain", ...FLAGS, "--to=10.1.2.3:443", "--uid=1000"]],
    ["sluice", ["manifest", "cni"]],
  ] as const)("%s %j says what the machine's own says", (name, args) => {
    const [here, there] = [run(own(name), args), run("qemu-aarch64-static", [foreign(name), ...args])];
    expect(timeless(there.stdout)).toBe(timeless(here.stdout));
    expect([there.code, there.stderr]).toEqual([here.code, here.stderr]);
    expect(there.stdout + there.stderr).not.toBe("");
  });

  test("where the kernel has no netfilter, as here, each mode says so", () => {
    const { code, stderr } = run("qemu-aarch64-static", [
      foreign("proxy-init"),
      ...FLAGS,
      "--iptables-mode=nft",
    ]);
    expect([code, stderr]).toEqual([
      1,
      'proxy-init: --iptables-mode: "nft": cannot open a netlink socket to netfilter: Protocol not supported (EPROTONOSUPPORT); ' +
        "the mode nft needs a kernel with nf_tables\n",
    ]);
  });
});
