// SPDX-License-Identifier: GPL-2.0-or-later

import { Installation } from "../cni/installer/installation.ts";
import { run } from "../cni/installer/run.ts";
import type { Daemon } from "../host/daemon.ts";
import { FileError, type Files } from "../host/files.ts";
import { printable } from "../policy/printable.ts";
import { ADMIN_PORT, INSTALL_FLAGS, KEEP, POLL, readPlacesOnly, readSettings } from "./cni-flags.ts";
import type { Command } from "./command.ts";
import { type Call, flagCommand } from "./flag-command.ts";
import { flagHelp } from "./flag-help.ts";
import { configureLog } from "./log-flags.ts";
import { version } from "./version.ts";

/** What these commands need of a host beside the rest. */
export interface InstallerHost {
  readonly files: Files;
  readonly daemon: Daemon;
}

/** `sluice cni install`: the container of a DaemonSet. */
export function cniInstallCommand(means: InstallerHost): Command {
  return flagCommand({
    name: "install",
    summary: "Put the CNI plugin in place on this node, and keep it there until told to end",
    flags: INSTALL_FLAGS,
    help: installHelp,
    logTo: 1,
    body: (call) => install(call, means),
  });
}

/** `sluice cni uninstall`: for what an installer has left that was killed. */
export function cniUninstallCommand({ files }: InstallerHost): Command {
  return flagCommand({
    name: "uninstall",
    summary: "Take the CNI plugin out of this node, and restore what was there",
    // The same, so that the same command line can be used; what is not needed is not looked at.
    flags: INSTALL_FLAGS,
    help: uninstallHelp,
    logTo: 1,
    async body(call) {
      configureLog(call.log, call.flags);
      return takeOut(call, new Installation(files, readPlacesOnly(call.host, call.flags)));
    },
  });
}

async function install(call: Call, { files, daemon }: InstallerHost): Promise<number> {
  const { host, program, flags, log } = call;
  configureLog(log, flags);
  const settings = readSettings(host, flags);
  const installation = new Installation(files, settings);
  daemon.catchSignals();
  const port = flags.value(ADMIN_PORT);
  if (port !== 0) {
    try {
      await daemon.serve(port);
    } catch (error) {
      if (!(error instanceof Error)) throw error;
      host.write(2, `${program}: --${ADMIN_PORT.name}: ${printable(error.message)}\n`);
      return 1;
    }
  }
  log.info(`sluice ${version} keeps ${settings.entry.type} in ${settings.prefix}${settings.netFolder}`);
  await run({ daemon, installation, journal: log, version, pollMs: flags.value(POLL) });
  if (flags.value(KEEP)) {
    log.info(`${daemon.signal()}: everything stays in place`);
    return 0;
  }
  log.info(`${daemon.signal()}: taking the plugin out`);
  return takeOut(call, installation);
}

function takeOut({ host, program, log }: Call, installation: Installation): number {
  try {
    const changes = installation.remove();
    for (const change of changes) log.info(change);
    log.info(changes.length === 0 ? "there was nothing to take out" : "the plugin is taken out");
    return 0;
  } catch (error) {
    if (!(error instanceof FileError)) throw error;
    log.error(error.message);
    log.flush();
    host.write(2, `${program}: ${printable(error.message)}\n`);
    return 1;
  }
}

function installHelp(program: string): string {
  return `Copies the CNI plugin to the node, writes its kubeconfig, and adds its entry to the node's
active CNI configuration. Runs until SIGTERM or SIGINT, does it again whenever something of it
has been changed, and takes it all out again in the end. For the container of a DaemonSet:
sluice manifest cni prints one.

Usage:
  ${program} [flags]

Flags:
${flagHelp(INSTALL_FLAGS)}`;
}

function uninstallHelp(program: string): string {
  return `Takes the entry out of the node's CNI configuration, restores what stood there, and removes the
plugin's kubeconfig and executable: what sluice cni install does when it ends. That there is nothing
is no error. Without a configuration the plugin's type is sluice-cni.

Usage:
  ${program} [flags]

Flags, those of sluice cni install:
${flagHelp(INSTALL_FLAGS)}`;
}
