// SPDX-License-Identifier: GPL-2.0-or-later

import { sluiceCni } from "../cni/plugin.ts";
import { standaloneHttps } from "../host/https-standalone.ts";
import { standaloneFiles } from "../host/standalone-files.ts";
import { runStandalone } from "./run-standalone.ts";

runStandalone("sluice-cni", (host) =>
  sluiceCni({ host, https: standaloneHttps(), files: standaloneFiles() }),
);
