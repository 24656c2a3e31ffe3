// SPDX-License-Identifier: GPL-2.0-or-later

// A kernel without x_tables: the mode nftables works, the others say what is missing.

import { expect, test } from "vitest";
import { describeKernels, nftablesModules } from "./kernels.ts";
import type { Machine } from "./machine.ts";
import { connections, diagnosis, kernelState, proxyInit, REDIRECTED } from "./pod.ts";

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
    test("mode nftables names what it lacks, and so does the doctor", async () => {
      const modes = { nft: "does not work", legacy: "does not work", nftables: "does not work" };
      const bare = await diagnosis(machine());
      expect(bare).toMatchObject({ code: 1, modes });
      expect(bare.complaints).toEqual(
        expect.arrayContaining([
          expect.stringMatching(/^nft, IPv4 and IPv6: redirect, .*: the kernel has no nft_compat$/),
          "nft, IPv4 and IPv6: tables and chains: the kernel has no nft_chain_nat",
          "legacy, IPv4: tables and chains: the kernel has no iptable_nat",
          "legacy, IPv6: tables and chains: the kernel has no ip6table_nat",
          "nftables, IPv4 and IPv6: redirect: the kernel has no nft_redir",
          "nftables, IPv4 and IPv6: tables and chains: the kernel has no nft_chain_nat",
        ]),
      );
      expect(await refusal(machine(), "--iptables-mode nftables")).toMatch(
        /ENOENT\); the kernel may lack nft_chain_nat\n$/,
      );
      await machine().load("nft_chain_nat");
      expect(await refusal(machine(), "--iptables-mode nftables")).toMatch(
        /at redir; the kernel may lack nft_redir\n$/,
      );
      expect((await diagnosis(machine())).complaints).not.toContainEqual(
        expect.stringContaining("nft_chain_nat"),
      );
      await machine().load("nft_redir");
      const before = await kernelState(machine());
      const loaded = await diagnosis(machine());
      expect(loaded).toMatchObject({ code: 0, modes: { ...modes, nftables: "works" } });
      expect(loaded.complaints).not.toContainEqual(expect.stringMatching(/^nftables/));
      expect(await kernelState(machine())).toBe(before);
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
      expect((await diagnosis(machine(), "--mode nft")).complaints).toEqual(
        expect.arrayContaining(
          ["redirect: the kernel has no xt_REDIRECT", "owner of a socket: the kernel has no xt_owner"].map(
            (line) => `nft, IPv4 and IPv6: ${line}`,
          ),
        ),
      );
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
