// SPDX-License-Identifier: GPL-2.0-or-later

// A kernel without x_tables: the mode nftables works, the others say what is missing.

import { expect, test } from "vitest";
import { describeKernels, nftablesModules } from "./kernels.ts";
import type { Machine } from "./machine.ts";
import { connections, kernelState, proxyInit, REDIRECTED } from "./pod.ts";

/** Runs proxy-init, which has to fail with one line and to leave everything as it is; gives the line. */
async function refusal(machine: Machine, ...flags: readonly string[]): Promise<string> {
  const before = await kernelState(machine);
  const { code, stderr } = await proxyInit(machine, ...flags);
  expect(code).toBe(1);
  expect(stderr).toMatch(/^proxy-init: [^\n]+\n$/);
  expect(await kernelState(machine)).toBe(before);
  return stderr;
}

describeKernels(
  "without x_tables",
  (release) => ({
    modules: nftablesModules(release).filter((name) => name !== "nft_chain_nat" && name !== "nft_redir"),
    spares: ["nft_chain_nat", "nft_redir", "nft_compat"],
  }),
  (machine) => {
    test("mode nftables names what it lacks", async () => {
      expect(await refusal(machine(), "--iptables-mode nftables")).toMatch(
        /ENOENT\); the kernel may lack nft_chain_nat\n$/,
      );
      await machine().load("nft_chain_nat");
      expect(await refusal(machine(), "--iptables-mode nftables")).toMatch(
        /at redir; the kernel may lack nft_redir\n$/,
      );
      await machine().load("nft_redir");
    });

    test("mode nftables redirects", async () => {
      expect(await proxyInit(machine(), "--iptables-mode nftables")).toMatchObject({ code: 0, stderr: "" });
      expect(await connections(machine(), "ipv4")).toEqual(REDIRECTED);
      expect(await connections(machine(), "ipv6")).toEqual(REDIRECTED);
      const held = await machine().output("pod nft list table inet sluice");
      expect(held).toMatch(/tcp dport @inbound_skip_ports counter packets 2 .* return/);
      expect(held).toMatch(/counter packets 4 .* redirect to :4143/);
      expect(held).toMatch(/counter packets 4 .* redirect to :4140/);
      expect(await machine().output("lsmod")).not.toMatch(/x_tables|xt_|nft_compat/);
    });

    test("mode nftables leaves alone what is there", async () => {
      const before = await kernelState(machine());
      const { code, stdout, stderr } = await proxyInit(machine(), "--iptables-mode nftables");
      expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
      expect(stdout).toContain(
        "the kernel already held exactly these rules for IPv4 and IPv6, nothing was sent",
      );
      expect(await kernelState(machine())).toBe(before);
    });

    test("mode nft is refused, and its line says what does without", async () => {
      const line =
        / at match multiport; the kernel may lack nft_compat or xt_multiport; the mode nftables does without them\n$/;
      expect(await refusal(machine(), "--iptables-mode nft")).toMatch(line);
      await machine().load("nft_compat");
      expect(await refusal(machine(), "--iptables-mode nft")).toMatch(line);
    });

    test("mode legacy is refused, with the flag in front", async () => {
      expect(await refusal(machine(), "--iptables-mode legacy")).toMatch(
        /^proxy-init: --iptables-mode: "legacy": [^;]*this kernel has no ip6_tables: [^;]*; the mode legacy needs a kernel with ip_tables and ip6_tables/,
      );
    });

    test("what is installed goes again", async () => {
      expect(await machine().run("pod sluice remove")).toMatchObject({ code: 0, stderr: "" });
      expect(await kernelState(machine())).toBe("");
    });

    test("plain, and the default, come to the mode nftables, and say why", async () => {
      const plain = await proxyInit(machine(), "--iptables-mode plain");
      expect(plain).toMatchObject({ code: 0, stderr: "" });
      expect(plain.stdout).toContain(
        "in mode nftables: the kernel has nf_tables, but not all of the xt_* that mode nft needs here",
      );
      expect(await connections(machine(), "ipv4")).toEqual(REDIRECTED);
      expect(await machine().run("pod sluice remove")).toMatchObject({ code: 0, stderr: "" });
      const byDefault = await proxyInit(machine());
      expect(byDefault).toMatchObject({ code: 0, stderr: "" });
      expect(byDefault.stdout).toContain("mode nftables, because the default is not to be had: ");
    });
  },
);
