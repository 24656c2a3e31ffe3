// SPDX-License-Identifier: GPL-2.0-or-later

import { runStandalone } from "../../../src/bin/run-standalone.ts";
import { standaloneHttps } from "../../../src/host/https-standalone.ts";
import { probe } from "./probe.ts";

runStandalone("probe", (host) => probe(host, standaloneHttps()));
