// SPDX-License-Identifier: GPL-2.0-or-later

// A kernel with ip_tables alone, which then gets nf_tables too: every mode works there.

import { beforeAll, describe, expect, test } from "vitest";
import { describeKernels, IP_TABLES_MODULES, nftablesModules, XT_MODULES } from "./kernels.ts";
import { connections, diagnosis, kernelState, proxyInit, REDIRECTED } from "./pod.ts";

describeKernels(
  "with ip_tables",
  (release) => ({
    modules: IP_TABLES_MODULES,
    spares: [...XT_MODULES, "nfnetlink", ...nftablesModules(release), "nft_compat"],
  }),
  (machine, release) => {
    async function expectRedirected(): Promise<void> {
      expect(await connections(machine(), "ipv4")).toEqual(REDIRECTED);
      expect(await connections(machine(), "ipv6")).toEqual(REDIRECTED);
    }

    test("without the extensions, mode legacy names them, and the doctor each of them", async () => {
      const found = await diagnosis(machine(), "--mode legacy");
      expect(found).toMatchObject({ code: 1, modes: { legacy: "does not work" } });
      expect(found.complaints.filter((line) => line.startsWith("legacy"))).toEqual([
        "legacy, IPv4 and IPv6: redirect: the kernel has no xt_REDIRECT",
        "legacy, IPv4 and IPv6: owner of a socket: the kernel has no xt_owner",
        "legacy, IPv4 and IPv6: lists of ports: the kernel has no xt_multiport",
        "legacy, IPv4 and IPv6: comments: the kernel has no xt_comment",
        "legacy, IPv4 and IPv6: a single port: the kernel has no xt_tcpudp (not needed by Linkerd's default rules)",
      ]);
      const { code, stderr } = await proxyInit(machine());
      expect(code).toBe(1);
      expect(stderr).toBe(
        "proxy-init: table nat of ip6_tables (IPv6): the kernel refused the rules: No such file or directory (ENOENT); " +
          "the kernel may lack the module for one of match comment, match multiport, match owner, target REDIRECT\n",
      );
    });

    describe("with the extensions, without nf_tables", () => {
      beforeAll(() => machine().load(...XT_MODULES));

      test("the doctor agrees, and changes nothing", async () => {
        const before = await kernelState(machine());
        expect(await diagnosis(machine())).toMatchObject({
          code: 0,
          modes: { legacy: "works", nft: "does not work", nftables: "does not work" },
        });
        expect(await kernelState(machine())).toBe(before);
      });

      test("the default is legacy, and redirects", async () => {
        const { code, stdout, stderr } = await proxyInit(machine());
        expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
        expect(stdout).toContain("mode legacy, by default");
        await expectRedirected();
        for (const save of ["iptables-legacy-save", "ip6tables-legacy-save"]) {
          expect(await machine().output(`pod ${save} -t nat`)).toContain("-j REDIRECT --to-ports 4143");
        }
      });

      test("plain is legacy, says why, and has nothing to do", async () => {
        const { code, stdout, stderr } = await proxyInit(machine(), "--iptables-mode plain");
        expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
        expect(stdout).toContain("nothing was sent, in mode legacy: rules of an earlier run are there");
        expect(await machine().run("pod sluice remove")).toMatchObject({ code: 0, stderr: "" });
        const anew = await proxyInit(machine(), "--iptables-mode plain");
        expect(anew).toMatchObject({ code: 0, stderr: "" });
        expect(anew.stdout).toContain("in mode legacy: the kernel has no nf_tables");
      });

      test.each([
        [
          "nothing of it",
          [],
          "cannot open a netlink socket to netfilter: Protocol not supported (EPROTONOSUPPORT)",
        ],
        ["nfnetlink alone", ["nfnetlink"], "this kernel has no nf_tables: Invalid argument (EINVAL)"],
      ])("modes nft and nftables are refused with the flag in front: %s", async (_, loaded, reason) => {
        await machine().load(...loaded);
        for (const mode of ["nft", "nftables"]) {
          const { code, stderr } = await proxyInit(machine(), `--iptables-mode ${mode}`);
          expect(code).toBe(1);
          expect(stderr).toBe(
            `proxy-init: --iptables-mode: "${mode}": ${reason}; the mode ${mode} needs a kernel with nf_tables\n`,
          );
        }
        await expectRedirected();
      });
    });

    describe("with nf_tables, too", () => {
      beforeAll(() => machine().load(...XT_MODULES, ...nftablesModules(release), "nft_compat"));

      test.each([
        ["nftables", "nft list table inet sluice", "redirect to :4143"],
        ["nft", "iptables-nft-save -t nat", "-j REDIRECT --to-ports 4143"],
        ["legacy", "iptables-legacy-save -t nat", "-j REDIRECT --to-ports 4143"],
      ])("mode %s redirects, and takes the place of the one before", async (mode, list, rule) => {
        const { code, stdout, stderr } = await proxyInit(machine(), `--iptables-mode ${mode}`);
        expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
        expect(stdout).toMatch(/rules of an earlier run in mode \w+ removed for IPv4 and IPv6/);
        // iptables-nft-save warns of the table that ip_tables keeps, empty, once there was one.
        const listing = await machine().run(`pod ${list}`);
        expect(listing.code).toBe(0);
        expect(listing.stdout).toContain(rule);
        await expectRedirected();
      });
    });
  },
);
