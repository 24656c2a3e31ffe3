// SPDX-License-Identifier: GPL-2.0-or-later

import { networkValidator } from "../cli/validate.ts";
import { runStandalone } from "./run-standalone.ts";

runStandalone("network-validator", networkValidator);
