// SPDX-License-Identifier: GPL-2.0-or-later

import { networkValidator } from "../cli/validate.ts";
import { runOnNode } from "./run-node.ts";

runOnNode("network-validator", networkValidator);
