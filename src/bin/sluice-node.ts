// SPDX-License-Identifier: GPL-2.0-or-later

import { cniCommand } from "../cli/cni.ts";
import { sluice } from "../cli/sluice.ts";
import { nodeDaemon } from "../host/node-daemon.ts";
import { nodeFiles } from "../host/node-files.ts";
import { runOnNode } from "./run-node.ts";

runOnNode("sluice", (host) => sluice(host, [cniCommand({ files: nodeFiles(), daemon: nodeDaemon() })]));
