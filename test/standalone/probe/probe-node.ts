// SPDX-License-Identifier: GPL-2.0-or-later

import { runOnNode } from "../../../src/bin/run-node.ts";
import { nodeHttps } from "../../../src/host/https-node.ts";
import { probe } from "./probe.ts";

runOnNode("probe", (host) => probe(host, nodeHttps()));
