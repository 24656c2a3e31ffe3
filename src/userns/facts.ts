// SPDX-License-Identifier: GPL-2.0-or-later

/** What a machine says about the namespaces that a process may make. Undefined: it does not say. */
export interface Facts {
  /** The user id of this process. */
  readonly uid: number;
  /** Whether /proc is there to be read. */
  readonly proc: boolean;
  /** Whether the kernel has user namespaces (CONFIG_USER_NS). */
  readonly userNamespaces: boolean;
  /** Whether the kernel has network namespaces (CONFIG_NET_NS). */
  readonly networkNamespaces: boolean;
  /** user.max_user_namespaces */
  readonly maxUserNamespaces: number | undefined;
  /** user.max_net_namespaces */
  readonly maxNetNamespaces: number | undefined;
  /** kernel.unprivileged_userns_clone, which Debian's kernels had before Debian 11 and may have since. */
  readonly unprivilegedClone: number | undefined;
  /** kernel.apparmor_restrict_unprivileged_userns, of Ubuntu's kernels. */
  readonly apparmorRestriction: number | undefined;
  /** The mode of seccomp(2) that this process is in; 2: a filter, as container runtimes install. */
  readonly seccomp: number | undefined;
  /** Whether the root of this process is below the one of its mount namespace. */
  readonly chroot: boolean;
}

/** How facts are read. */
export interface FactReader {
  /** The text of a file; undefined if it cannot be read. */
  text(path: string): string | undefined;
  exists(path: string): boolean;
}

/** Reads what {@link diagnose} judges by. */
export function readFacts(uid: number, reader: FactReader): Facts {
  const number = (path: string): number | undefined => readNumber(reader.text(path));
  const status = reader.text("/proc/self/status");
  return {
    uid,
    proc: status !== undefined,
    userNamespaces: reader.exists("/proc/self/ns/user"),
    networkNamespaces: reader.exists("/proc/self/ns/net"),
    maxUserNamespaces: number("/proc/sys/user/max_user_namespaces"),
    maxNetNamespaces: number("/proc/sys/user/max_net_namespaces"),
    unprivilegedClone: number("/proc/sys/kernel/unprivileged_userns_clone"),
    apparmorRestriction: number("/proc/sys/kernel/apparmor_restrict_unprivileged_userns"),
    seccomp: readNumber(/^Seccomp:\s*(.*)$/m.exec(status ?? "")?.[1]),
    chroot: isChroot(reader.text("/proc/self/mountinfo")),
  };
}

function readNumber(text: string | undefined): number | undefined {
  return text === undefined || !/^\d+$/.test(text.trim()) ? undefined : Number(text);
}

/**
 * Mounts outside of the root are left out (proc_pid_mountinfo(5)), so in a chroot nothing is mounted on "/", unless its
 * directory is itself a mount point. That one is not recognised.
 */
function isChroot(mountinfo: string | undefined): boolean {
  if (mountinfo === undefined) return false;
  return !mountinfo.split("\n").some((line) => line.split(" ")[4] === "/");
}
