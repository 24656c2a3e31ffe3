// SPDX-License-Identifier: GPL-2.0-or-later

import type { Facts } from "./facts.ts";

/** What could not be done, and what the one who tried wrote about it. */
export type Failure =
  /** A program is not in PATH. */
  | { readonly step: "program"; readonly name: string }
  /** No namespaces were made. */
  | { readonly step: "namespaces"; readonly message: string }
  /** The user ids were not mapped into the user namespace. */
  | { readonly step: "ids"; readonly message: string }
  /** The namespaces are there, but loopback could not be set up; `refused`: for want of a capability. */
  | { readonly step: "loopback"; readonly refused: boolean; readonly message: string };

/**
 * One sentence: what is missing for a new user and network namespace, and how to get it. Judges by what failed and by
 * what the machine says about itself; the text of a message is only passed on.
 */
export function diagnose(failure: Failure, facts: Facts): string {
  if (failure.step === "program") {
    return `${failure.name} is not in PATH; it is part of util-linux: install the package util-linux (Alpine: util-linux-misc and setpriv)`;
  }
  const said = failure.message === "" ? "" : ` (${failure.message})`;
  switch (failure.step) {
    case "namespaces":
      return (
        (limit(facts) ?? restriction(facts) ?? "the kernel refuses new user and network namespaces") + said
      );
    case "ids":
      return (apparmor(facts) ?? "the user ids cannot be mapped into the new user namespace") + said;
    case "loopback":
      return ((failure.refused ? apparmor(facts) : undefined) ?? "loopback cannot be set up") + said;
  }
}

/** What holds for root, too. */
function limit(facts: Facts): string | undefined {
  if (!facts.proc) return "/proc is not mounted; mount it with: mount -t proc proc /proc";
  if (!facts.userNamespaces) {
    return "this kernel has no user namespaces; boot one that is built with CONFIG_USER_NS";
  }
  if (!facts.networkNamespaces) {
    return "this kernel has no network namespaces; boot one that is built with CONFIG_NET_NS";
  }
  if (facts.maxUserNamespaces === 0) {
    return `user namespaces are turned off; ${sysctl("user.max_user_namespaces=15000")}`;
  }
  if (facts.maxNetNamespaces === 0) {
    return `network namespaces are turned off; ${sysctl("user.max_net_namespaces=15000")}`;
  }
  if (facts.chroot) {
    return "the kernel makes no user namespace for a process in a chroot; enter the directory with pivot_root instead, as container runtimes and systemd-nspawn do";
  }
  return undefined;
}

function restriction(facts: Facts): string | undefined {
  if (facts.uid !== 0 && facts.unprivilegedClone === 0) {
    return `this system lets only root make user namespaces; ${sysctl("kernel.unprivileged_userns_clone=1")}`;
  }
  const byAppArmor = apparmor(facts);
  if (byAppArmor !== undefined) return byAppArmor;
  if (facts.seccomp === 2) {
    return "a seccomp filter, probably that of a container, refuses new namespaces; start the container with --security-opt seccomp=unconfined (Kubernetes: seccompProfile type Unconfined), or run the tests as root in a privileged one";
  }
  return undefined;
}

/** It refuses the namespace, or grants it without capabilities: then a later step fails. */
function apparmor(facts: Facts): string | undefined {
  if (facts.uid === 0 || facts.apparmorRestriction !== 1) return undefined;
  return `AppArmor restricts the user namespaces of unprivileged users; ${sysctl("kernel.apparmor_restrict_unprivileged_userns=0")}`;
}

function sysctl(setting: string): string {
  return `to change that, as root: sysctl -w ${setting}`;
}
