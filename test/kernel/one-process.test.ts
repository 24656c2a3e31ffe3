// SPDX-License-Identifier: GPL-2.0-or-later

import { expect, test } from "vitest";
import { createNamespace } from "../../src/testing/index.ts";
import { CHART, describeHosts, skipBecause } from "./hosts.ts";
import { generation, kernelState } from "./kernel-state.ts";
import { batches, messageTypes, netfilterCalls, noStrace, type Trace, traceProxyInit } from "./strace.ts";

const all = (trace: Trace) => trace.threads.flat();
const named = (trace: Trace, names: RegExp): string[] =>
  all(trace)
    .filter(({ name }) => names.test(name))
    .map(({ text }) => text);

describeHosts("one process, one transaction", (host) => {
  skipBecause(noStrace);

  test("the first run: one execve, one batch, few system calls, no file written", async () => {
    await using namespace = await createNamespace();
    const before = await generation(namespace);
    const trace = await traceProxyInit(host, namespace, CHART);
    expect(trace.result).toMatchObject({ code: 0, stderr: "" });

    // No other program, nor a process that could become one.
    expect(named(trace, /^execve(at)?$/)).toHaveLength(1);
    expect(named(trace, /^v?fork$/)).toEqual([]);
    for (const clone of named(trace, /^clone3?$/)) expect(clone).toContain("CLONE_THREAD");

    const sent = batches(trace);
    expect(sent).toHaveLength(1);
    const types = sent.flatMap(messageTypes);
    expect(types[0]).toBe("BATCH_BEGIN");
    expect(types.at(-1)).toBe("BATCH_END");
    const count = (type: string): number => types.filter((candidate) => candidate === type).length;
    // A family: a table, two base chains and two of ours, six rules and two jumps.
    expect([count("NEWTABLE"), count("NEWCHAIN"), count("NEWRULE")]).toEqual([2, 8, 16]);
    expect(types).toHaveLength(28);
    expect(sent[0]?.text).toMatch(/ = 9456$/); // bytes
    expect(await generation(namespace)).toBe(before + 1);

    // Every other message to netfilter asks.
    const asked = netfilterCalls(trace).filter(
      (call) => call.name.startsWith("send") && !sent.includes(call),
    );
    expect(asked.length).toBeGreaterThan(1);
    for (const type of asked.flatMap(messageTypes)) expect(type).toMatch(/^GET/);

    // A figure that may only fall.
    expect(netfilterCalls(trace).length).toBeLessThanOrEqual(59);
    expect(named(trace, /^socket$/)).toHaveLength(2); // the other one asks whether the kernel has IPv6

    expect(
      named(trace, /^open(at2?)?$/).filter((text) => /O_(WRONLY|RDWR|CREAT|TRUNC|APPEND|TMPFILE)/.test(text)),
    ).toEqual([]);
    expect(
      named(
        trace,
        /^(creat|mk(dir|nod)(at)?|(sym)?link(at)?|unlink(at)?|rmdir|rename(at2?)?|truncate|mount|unshare)$/,
      ),
    ).toEqual([]);
    expect(named(trace, /^setns$/)).toEqual([]);
    expect(named(trace, /^write$/).filter((text) => text.startsWith("write(1,"))).toHaveLength(1);
  });

  test("the same flags again: nothing is sent, and the generation stays; other flags: one transaction more", async () => {
    await using namespace = await createNamespace();
    const first = await traceProxyInit(host, namespace, CHART);
    expect(first.result).toMatchObject({ code: 0 });
    expect(batches(first)).toHaveLength(1);
    const held = await kernelState(namespace);

    const second = await traceProxyInit(host, namespace, CHART);
    expect(second.result).toMatchObject({ code: 0, stderr: "" });
    expect(second.result.stdout).toContain("nothing was sent");
    expect(batches(second)).toEqual([]);
    expect(netfilterCalls(second).length).toBeLessThanOrEqual(43);
    expect(await kernelState(namespace)).toEqual(held);

    const third = await traceProxyInit(host, namespace, [...CHART, "--outbound-ports-to-ignore", "3306"]);
    expect(third.result).toMatchObject({ code: 0, stderr: "" });
    const types = batches(third).map(messageTypes);
    expect(types).toHaveLength(1);
    // Only the chain that differs, in both families: emptied, then filled.
    const refill = ["DELRULE", ...Array<string>(4).fill("NEWRULE")];
    expect(types[0]).toEqual(["BATCH_BEGIN", ...refill, ...refill, "BATCH_END"]);
    expect(await generation(namespace)).toBe(held.generation + 1);
  });

  test("--netns: a thread enters, and only once", async () => {
    await using namespace = await createNamespace();
    await using outside = await createNamespace();
    const trace = await traceProxyInit(host, outside, [...CHART, "--netns", namespace.path]);
    expect(trace.result).toMatchObject({ code: 0, stderr: "" });
    expect(named(trace, /^execve(at)?$/)).toHaveLength(1);
    expect(named(trace, /^setns$/)).toHaveLength(1);
    // The first thread of the process is in the file with the execve.
    const main = trace.threads.find((calls) => calls.some(({ name }) => name === "execve"));
    expect(main?.filter(({ name }) => name === "setns")).toEqual([]);
    expect(await generation(namespace)).toBe(2);
    expect(await kernelState(outside)).toMatchObject({ ruleset: "" });
  });
});
