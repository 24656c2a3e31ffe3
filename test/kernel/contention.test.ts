// SPDX-License-Identifier: GPL-2.0-or-later

import { expect, test } from "vitest";
import { createNamespace, type NetworkNamespace } from "../../src/testing/index.ts";
import { describeHosts, MINIMAL, skipBecause } from "./hosts.ts";
import { output, ruleCounts } from "./kernel-state.ts";
import { batches, noStrace, traceProxyInit } from "./strace.ts";

/** Somebody who changes the rules every few milliseconds, until the namespace is closed or `stop` is called. */
async function writer(namespace: NetworkNamespace): Promise<{ stop: () => void }> {
  await output(namespace, "nft", ["add", "table", "ip", "others"]);
  const script = "while nft add chain ip others x && nft delete chain ip others x; do :; done";
  const child = namespace.spawn("sh", ["-c", script]);
  return {
    stop: () => {
      if (child.pid !== undefined && child.exitCode === null) process.kill(-child.pid, "SIGKILL");
    },
  };
}

describeHosts("another program that writes all the time", (host) => {
  skipBecause(noStrace);
  // Between the look at the rules and the batch: so much that the other one always comes first.
  const late = "--inject=sendto:delay_enter=250000";

  test.each(["nft", "nftables"] as const)(
    "mode %s: without -w it is an error after 5 seconds; with -w, it waits until it is let in",
    async (mode) => {
      const args = [...MINIMAL, "--iptables-mode", mode];
      await using namespace = await createNamespace();
      await using patient = await createNamespace();
      await writer(namespace);
      const other = await writer(patient);
      const waiting = traceProxyInit(host, patient, [...args, "-w"], [late]);

      const started = performance.now();
      const impatient = await traceProxyInit(host, namespace, args, [late]);
      expect(performance.now() - started).toBeGreaterThan(4900);
      expect(impatient.result.code).toBe(1);
      expect(impatient.result.stderr).toMatch(
        /^proxy-init: [^\n]+; --use-wait-flag waits without a deadline\n$/,
      );
      expect(batches(impatient).length).toBeGreaterThan(2);
      expect(await ruleCounts(namespace, mode)).toEqual([0, 0]);

      // The patient one has waited for longer than that.
      other.stop();
      const trace = await waiting;
      expect(batches(trace).length).toBeGreaterThan(2);
      expect(trace.result).toMatchObject({ code: 0, stderr: "" });
      expect(await ruleCounts(patient, mode)).toEqual([6, 6]);
    },
  );
});
