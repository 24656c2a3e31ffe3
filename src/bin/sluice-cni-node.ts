// SPDX-License-Identifier: GPL-2.0-or-later

import { sluiceCni } from "../cni/plugin.ts";
import { nodeHttps } from "../host/https-node.ts";
import { nodeFiles } from "../host/node-files.ts";
import { runOnNode } from "./run-node.ts";

runOnNode("sluice-cni", (host) => sluiceCni({ host, https: nodeHttps(), files: nodeFiles() }));
