// SPDX-License-Identifier: GPL-2.0-or-later

// Each answer of the kernel is lost once: what the program says must be what the kernel holds.

import { expect, test } from "vitest";
import { createNamespace } from "../../src/testing/index.ts";
import { describeHosts, MINIMAL, skipBecause } from "./hosts.ts";
import { ruleCounts } from "./kernel-state.ts";
import { noStrace, traceProxyInit } from "./strace.ts";

/** More than a first run reads: the last rounds lose nothing. */
const READS = 48;

describeHosts("a lost answer", (host) => {
  skipBecause(noStrace);

  test.each(["nft", "nftables"] as const)(
    "never makes it say in mode %s that nothing was changed while the rules are in",
    async (mode) => {
      const args = [...MINIMAL, "--iptables-mode", mode];
      const outcomes = new Set<string>();
      for (let lost = 1; lost <= READS; lost++) {
        await using namespace = await createNamespace();
        const inject = `--inject=recvfrom:error=ENOMEM:when=${lost}`;
        const { result } = await traceProxyInit(host, namespace, args, [inject]);
        const counts = await ruleCounts(namespace, mode);
        expect(counts[0], `read ${lost}`).toBe(counts[1]);
        const sent = /^proxy-init: the rules (?:were sent|are in), [^\n]*\n$/.test(result.stderr);
        const outcome = result.code === 0 ? "done" : sent ? "sent" : "untouched";
        outcomes.add(outcome);
        if (outcome !== "done") expect(result.stderr).toMatch(/^proxy-init: [^\n]+\n$/);
        expect(counts[0], `read ${lost}: ${result.stderr}`).toBe(outcome === "untouched" ? 0 : 6);
      }
      expect(outcomes).toEqual(new Set(["untouched", "done", "sent"]));
    },
    // Forty-eight starts of Node under strace.
    120_000,
  );
});
