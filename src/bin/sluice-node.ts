// SPDX-License-Identifier: GPL-2.0-or-later

import { sluice } from "../cli/sluice.ts";
import { runOnNode } from "./run-node.ts";

runOnNode("sluice", sluice);
