// SPDX-License-Identifier: GPL-2.0-or-later

import { describe, expect, test } from "vitest";
import { colourOf } from "../../src/cli/colour.ts";
import { diagnosisText } from "../../src/cli/doctor-text.ts";
import { sluice } from "../../src/cli/sluice.ts";
import { type Diagnosis, diagnosed, failed } from "../../src/kernel/doctor/report.ts";
import {
  isInitialMap,
  isMapped,
  isRootReadOnly,
  readStatusFile,
} from "../../src/kernel/doctor/surroundings.ts";
import { trackingPart } from "../../src/kernel/doctor/trial.ts";
import { FakeHost } from "./fake-host.ts";

const DIAGNOSIS: Diagnosis = {
  surroundings: {
    kernel: "6.18.0\u001b[31m",
    uid: 65534,
    gid: 65534,
    capabilities: ["NET_ADMIN", "NET_RAW"],
    seccomp: "filter",
    noNewPrivileges: true,
    userNamespace: false,
    proxyUidMapped: true,
    readOnlyRoot: true,
    families: ["ipv4", "ipv6"],
    ipv6Disabled: false,
  },
  modes: [
    failed("nft", "this kernel has no nf_tables"),
    diagnosed("legacy", [
      { name: "lock", family: "ipv4", ability: "yes", needed: true, reason: undefined },
      { name: "owner", family: "ipv4", ability: "no", needed: true, reason: "the kernel has no xt_owner" },
      { name: "owner", family: "ipv6", ability: "no", needed: true, reason: "the kernel has no xt_owner" },
      { name: "tables", family: "ipv6", ability: "unknown", needed: true, reason: "nobody can tell" },
    ]),
    diagnosed("nftables", [
      { name: "sets", family: "ipv4", ability: "yes", needed: true, reason: undefined },
      { name: "port", family: "ipv4", ability: "no", needed: false, reason: "a kernel without ports" },
    ]),
  ],
  mode: "legacy",
  reason: "it was asked for",
  works: false,
};

const coloured = (env: Record<string, string>, terminal = true) => {
  const host = new FakeHost([], undefined, env);
  host.terminal = terminal;
  return colourOf(host);
};

test.each([
  [
    { errno: 92, name: "ENOPROTOOPT", reason: "Protocol not available" },
    "no",
    "the kernel has no nf_conntrack",
  ],
  [
    { errno: 1, name: "EPERM", reason: "Operation not permitted" },
    "unknown",
    "the kernel does not say whether it has nf_conntrack: Operation not permitted (EPERM)",
  ],
  [undefined, "yes", undefined],
])("connection tracking, when the kernel answers %j", (refused, ability, reason) => {
  expect(trackingPart({ family: "ipv4", absent: false, refused })).toMatchObject({ ability, reason });
});

describe("the text", () => {
  test("says the answer first, each reason once, and fits 80 columns", () => {
    expect(diagnosisText(DIAGNOSIS, coloured({}, false))).toBe(`mode legacy does not work (it was asked for)
mode nft does not work
mode nftables works
! nft: this kernel has no nf_tables
! legacy, IPv4 and IPv6: owner of a socket: the kernel has no xt_owner
! legacy, IPv6: tables and chains: nobody can tell
! nftables, IPv4: a single port: a kernel without ports (not needed by Linkerd's
  default rules)

kernel 6.18.0\\x1b[31m, uid 65534, capabilities NET_ADMIN, NET_RAW, seccomp
filter, no new privileges, read-only root

                     legacy         nftables
                     IPv4   IPv6    IPv4   IPv6
xtables lock         yes    -       -      -
tables and chains    -      ?       -      -
owner of a socket    no     no      -      -
a single port        -      -       no     -
sets                 -      -       yes    -
`);
  });

  test("has colours on a terminal alone, and none where nobody wants them", () => {
    const plain = diagnosisText(DIAGNOSIS, coloured({}, false));
    const painted = diagnosisText(DIAGNOSIS, coloured({ TERM: "xterm" }));
    expect(painted).toContain(
      "\u001b[1mmode legacy\u001b[0m \u001b[31mdoes not work\u001b[0m (it was asked for)",
    );
    expect(painted).toContain("\u001b[31m!\u001b[0m nft: ");
    // biome-ignore lint/suspicious/noControlCharactersInRegex: that is what is looked for
    expect(painted.replace(/\u001b\[\d+m/g, "")).toBe(plain);
    expect(diagnosisText(DIAGNOSIS, coloured({ NO_COLOR: "1" }))).toBe(plain);
    expect(diagnosisText(DIAGNOSIS, coloured({ TERM: "dumb" }))).toBe(plain);
    expect(diagnosisText(DIAGNOSIS, coloured({ NO_COLOR: "" }))).toBe(painted);
  });

  test("claims nothing that it could not read", () => {
    const surroundings = {
      ...DIAGNOSIS.surroundings,
      kernel: undefined,
      uid: undefined,
      capabilities: undefined,
    };
    expect(diagnosisText({ ...DIAGNOSIS, surroundings }, coloured({}, false))).toContain(
      "\nrights unknown, as /proc cannot be read, seccomp filter, no new privileges,\nread-only root\n",
    );
  });

  test("a mode of which something is unknown neither works nor fails", () => {
    const modes = [
      diagnosed("legacy", [
        { name: "tables", family: "ipv4", ability: "unknown", needed: true, reason: "x" },
      ] as const),
    ];
    expect(modes[0]?.verdict).toBe("unknown");
    expect(diagnosisText({ ...DIAGNOSIS, modes }, coloured({}, false))).toMatch(
      /^mode legacy may work or not \(it was asked for\)\n/,
    );
  });
});

describe("the flags", () => {
  test.each([
    [["--mode", "ipvs"], '--mode: "ipvs" is not one of auto, plain, nft, legacy, nftables'],
    [["--proxy-uid", "-1"], '--proxy-uid: "-1" is not the number of a user'],
    [["--proxy-uid", "4294967295"], '--proxy-uid: "4294967295" is not the number of a user'],
    [["--netns", "/x", "--pid", "1"], "--pid: --netns says it already; give one of them"],
  ])("%j", async (args, message) => {
    const host = new FakeHost(["doctor", ...args]);
    expect(await sluice(host)).toBe(1);
    expect(host.stderr).toBe(`sluice doctor: ${message}\n`);
    expect(host.requests).toEqual([]);
  });
});

describe("what /proc says", () => {
  test("of a process's rights", () => {
    const text =
      "Name:\tx\nUid:\t0\t65534\t0\t0\nGid:\t1\t2\t3\t4\nCapEff:\t000001ffffffffff\nNoNewPrivs:\t1\nSeccomp:\t2\n";
    expect(readStatusFile(text)).toEqual({
      uid: 65534,
      gid: 2,
      capabilities: ["NET_ADMIN", "NET_RAW", "SYS_ADMIN"],
      seccomp: "filter",
      noNewPrivileges: true,
    });
    expect(readStatusFile("CapEff:\t0000000000002000\nSeccomp:\t0\n")).toMatchObject({
      capabilities: ["NET_RAW"],
      seccomp: "off",
      noNewPrivileges: false,
    });
    expect(readStatusFile("")).toEqual({
      uid: undefined,
      gid: undefined,
      capabilities: undefined,
      seccomp: undefined,
      noNewPrivileges: false,
    });
  });

  test("of users", () => {
    expect(isInitialMap("         0          0 4294967295\n")).toBe(true);
    expect(isInitialMap("         0       1000          1\n")).toBe(false);
    expect(isInitialMap("         0          0          1\n")).toBe(false);
    const map = "         0       1000          1\n      2000     100000        103\n";
    expect([0, 1, 1999, 2000, 2102, 2103].map((id) => isMapped(map, id))).toEqual([
      true,
      false,
      false,
      true,
      true,
      false,
    ]);
  });

  test("of the root", () => {
    const line = (place: string, options: string) =>
      `1 2 0:3 / ${place} ${options} shared:1 - ext4 /dev/x rw`;
    expect(isRootReadOnly([line("/", "rw,noatime"), line("/run", "ro")].join("\n"))).toBe(false);
    expect(isRootReadOnly([line("/", "rw"), line("/", "ro,noatime")].join("\n"))).toBe(true);
    expect(isRootReadOnly([line("/", "rw,errors=remount-ro")].join("\n"))).toBe(false);
    expect(isRootReadOnly("")).toBe(false);
  });
});
