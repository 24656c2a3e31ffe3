// SPDX-License-Identifier: GPL-2.0-or-later

import { cniCommand } from "../cli/cni.ts";
import { sluice } from "../cli/sluice.ts";
import { standaloneDaemon } from "../host/standalone-daemon.ts";
import { standaloneFiles } from "../host/standalone-files.ts";
import { runStandalone } from "./run-standalone.ts";

runStandalone("sluice", (host) =>
  sluice(host, [cniCommand({ files: standaloneFiles(), daemon: standaloneDaemon() })]),
);
