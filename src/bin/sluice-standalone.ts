// SPDX-License-Identifier: GPL-2.0-or-later

import { sluice } from "../cli/sluice.ts";
import { runStandalone } from "./run-standalone.ts";

runStandalone("sluice", sluice);
