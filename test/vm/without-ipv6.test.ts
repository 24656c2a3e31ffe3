// SPDX-License-Identifier: GPL-2.0-or-later

// A kernel that was started with ipv6.disable=1, as many hosts are.

import { expect, test } from "vitest";
import { describeKernels, IP_TABLES_MODULES, nftablesModules, XT_MODULES } from "./kernels.ts";
import { connections, diagnosis, kernelState, proxyInit, REDIRECTED } from "./pod.ts";

describeKernels(
  "with ipv6.disable=1",
  (release) => ({
    modules: [...nftablesModules(release), "nft_compat", ...XT_MODULES, ...IP_TABLES_MODULES],
    commandLine: "ipv6.disable=1",
  }),
  (machine) => {
    test("the doctor sees IPv4 alone, and that every mode works", async () => {
      const { code, modes, complaints } = await diagnosis(machine());
      expect({ code, modes, complaints }).toEqual({
        code: 0,
        modes: { nft: "works", legacy: "works", nftables: "works" },
        complaints: [
          "legacy, IPv4: a single port: the kernel has no xt_tcpudp (not needed by Linkerd's default rules)",
        ],
      });
      expect(await machine().output("pod sluice doctor")).toContain("no IPv6 in the kernel");
    });

    test.each(["nft", "legacy", "nftables"])("mode %s is there for IPv4", async (mode) => {
      const flag = `--iptables-mode ${mode}`;
      const before = await kernelState(machine());
      const insisting = await proxyInit(machine(), flag, "--ipv6=true");
      expect(insisting.code).toBe(1);
      expect(insisting.stderr).toMatch(/^proxy-init: --ipv6: "true": this kernel has no IPv6[^\n]*\n$/);
      expect(await kernelState(machine())).toBe(before);

      const { code, stdout, stderr } = await proxyInit(machine(), flag);
      expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
      expect(stdout).toContain("this kernel has no IPv6: there are no rules for it");
      expect(await connections(machine(), "ipv4")).toEqual(REDIRECTED);
      expect((await proxyInit(machine(), flag)).stdout).toContain("nothing was sent");
    });
  },
);
