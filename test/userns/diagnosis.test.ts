// SPDX-License-Identifier: GPL-2.0-or-later

import { describe, expect, it } from "vitest";
import { diagnose, type Failure } from "../../src/userns/diagnosis.ts";
import { type Facts, readFacts } from "../../src/userns/facts.ts";

/** A machine on which nothing stands in the way. */
const FILES: Readonly<Record<string, string>> = {
  "/proc/self/status": "Name:\tnode\nNoNewPrivs:\t0\nSeccomp:\t0\nSeccomp_filters:\t0\n",
  "/proc/self/mountinfo":
    "22 1 254:0 / / rw,relatime - ext4 /dev/vda rw\n23 22 0:21 / /proc rw - proc proc rw\n",
  "/proc/self/ns/user": "",
  "/proc/self/ns/net": "",
  "/proc/sys/user/max_user_namespaces": "96365\n",
  "/proc/sys/user/max_net_namespaces": "96365\n",
};

function facts(changes: Readonly<Record<string, string | undefined>> = {}, uid = 1000): Facts {
  const files: Readonly<Record<string, string | undefined>> = { ...FILES, ...changes };
  return readFacts(uid, { text: (path) => files[path], exists: (path) => files[path] !== undefined });
}

const APPARMOR = { "/proc/sys/kernel/apparmor_restrict_unprivileged_userns": "1\n" };
const CLONE = { "/proc/sys/kernel/unprivileged_userns_clone": "0\n" };
const SECCOMP = { "/proc/self/status": "Name:\tnode\nSeccomp:\t2\nSeccomp_filters:\t1\n" };
const refused: Failure = {
  step: "namespaces",
  message: "unshare: unshare failed: Operation not permitted",
};

describe("no namespaces", () => {
  const cases: [string, Readonly<Record<string, string | undefined>>, string][] = [
    [
      "no /proc",
      Object.fromEntries(Object.keys(FILES).map((path) => [path, undefined])),
      "/proc is not mounted; mount it with: mount -t proc proc /proc",
    ],
    [
      "a kernel without user namespaces",
      { "/proc/self/ns/user": undefined, "/proc/sys/user/max_user_namespaces": undefined },
      "this kernel has no user namespaces; boot one that is built with CONFIG_USER_NS",
    ],
    [
      "a kernel without network namespaces",
      { "/proc/self/ns/net": undefined },
      "this kernel has no network namespaces; boot one that is built with CONFIG_NET_NS",
    ],
    [
      "no user namespaces allowed",
      { "/proc/sys/user/max_user_namespaces": "0\n" },
      "user namespaces are turned off; to change that, as root: sysctl -w user.max_user_namespaces=15000",
    ],
    [
      "no network namespaces allowed",
      { "/proc/sys/user/max_net_namespaces": "0\n" },
      "network namespaces are turned off; to change that, as root: sysctl -w user.max_net_namespaces=15000",
    ],
    [
      "a chroot",
      { "/proc/self/mountinfo": "23 22 0:21 / /proc rw - proc proc rw\n" },
      "the kernel makes no user namespace for a process in a chroot; enter the directory with pivot_root instead, as container runtimes and systemd-nspawn do",
    ],
    [
      "Debian's setting",
      CLONE,
      "this system lets only root make user namespaces; to change that, as root: sysctl -w kernel.unprivileged_userns_clone=1",
    ],
    [
      "Ubuntu's AppArmor",
      APPARMOR,
      "AppArmor restricts the user namespaces of unprivileged users; to change that, as root: sysctl -w kernel.apparmor_restrict_unprivileged_userns=0",
    ],
    [
      "a seccomp filter",
      SECCOMP,
      "a seccomp filter, probably that of a container, refuses new namespaces; start the container with --security-opt seccomp=unconfined (Kubernetes: seccompProfile type Unconfined), or run the tests as root in a privileged one",
    ],
    ["nothing that is known", {}, "the kernel refuses new user and network namespaces"],
  ];
  it.each(cases)("%s", (_, changes, sentence) => {
    expect(diagnose(refused, facts(changes))).toBe(`${sentence} (${refused.message})`);
  });

  it("blames nothing on root that is for others", () => {
    const sentence = diagnose(refused, facts({ ...CLONE, ...APPARMOR }, 0));
    expect(sentence).toMatch(/^the kernel refuses new user and network namespaces /);
    expect(diagnose(refused, facts({ ...CLONE, ...APPARMOR, ...SECCOMP }, 0))).toMatch(/^a seccomp filter/);
  });

  it.each(Object.entries({ ...APPARMOR, ...CLONE }))(
    "takes %s for harmless with another value",
    (path, value) => {
      const other = value === "1\n" ? "0\n" : "1\n";
      expect(diagnose(refused, facts({ [path]: other }))).toMatch(/^the kernel refuses/);
    },
  );

  it("says nothing where unshare has said nothing", () => {
    expect(diagnose({ step: "namespaces", message: "" }, facts())).toBe(
      "the kernel refuses new user and network namespaces",
    );
  });
});

it.each(["unshare", "setpriv"])("%s is missing", (name) => {
  expect(diagnose({ step: "program", name }, facts())).toBe(
    `${name} is not in PATH; it is part of util-linux: install the package util-linux (Alpine: util-linux-misc and setpriv)`,
  );
});

describe("namespaces that are worth nothing", () => {
  const message = "cannot set lo up: Operation not permitted (EPERM)";

  it("because AppArmor grants no capabilities in them", () => {
    expect(diagnose({ step: "loopback", refused: true, message }, facts(APPARMOR))).toMatch(
      /^AppArmor restricts/,
    );
    expect(diagnose({ step: "ids", message: "EPERM" }, facts(APPARMOR))).toMatch(/^AppArmor restricts/);
  });

  it("for reasons that are passed on", () => {
    const missing = 'the addon "socket" is missing';
    expect(diagnose({ step: "loopback", refused: false, message: missing }, facts(APPARMOR))).toBe(
      `loopback cannot be set up (${missing})`,
    );
    expect(diagnose({ step: "loopback", refused: true, message }, facts())).toBe(
      `loopback cannot be set up (${message})`,
    );
    expect(diagnose({ step: "ids", message: "EPERM" }, facts())).toBe(
      "the user ids cannot be mapped into the new user namespace (EPERM)",
    );
  });
});
