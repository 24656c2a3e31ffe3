// SPDX-License-Identifier: GPL-2.0-or-later

import { proxyInit } from "../cli/proxy-init.ts";
import { runStandalone } from "./run-standalone.ts";

runStandalone("proxy-init", proxyInit);
