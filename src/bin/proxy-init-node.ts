// SPDX-License-Identifier: GPL-2.0-or-later

import { proxyInit } from "../cli/proxy-init.ts";
import { runOnNode } from "./run-node.ts";

runOnNode("proxy-init", proxyInit);
