// SPDX-License-Identifier: GPL-2.0-or-later

import { expect, test } from "vitest";
import { install } from "../../src/kernel/install.ts";
import { FakeHost } from "./fake-host.ts";

const POLICY = { inbound: { proxyPort: 4143, skipPorts: [22] } };

function refusing(error: Record<string, unknown>): FakeHost {
  return new FakeHost([], () => ({
    error: { code: "refused", table: "sluice", syscall: "sendto", ...error },
  }));
}

test("a set that the kernel refuses is named, and nothing is said of chains", async () => {
  const host = refusing({
    set: "inbound_skip_ports",
    detail: "the kernel refused a set",
    errno: 16,
    name: "EBUSY",
    reason: "Device or resource busy",
  });
  await expect(install(host, POLICY, { mode: "nftables" })).rejects.toMatchObject({
    message:
      "table inet sluice, set inbound_skip_ports: the kernel refused a set: Device or resource busy (EBUSY)",
    set: "inbound_skip_ports",
    chain: undefined,
    rule: undefined,
  });
});

test("a chain keeps its advice", async () => {
  const host = refusing({
    chain: "inbound",
    detail: "the kernel refused the chain",
    errno: 16,
    name: "EBUSY",
    reason: "Device or resource busy",
  });
  await expect(install(host, POLICY, { mode: "nftables" })).rejects.toMatchObject({
    message: expect.stringContaining("still jumps to the chain"),
    set: undefined,
    chain: "inbound",
  });
});
