// SPDX-License-Identifier: GPL-2.0-or-later

// Loaded by the Nodes of the test run (NODE_OPTIONS): the Nodes that they start are started by the launcher of place.ts, too, and other
// programs without what it has preloaded.

const path = require("node:path");

process.execPath = path.join(__dirname, "../../../dist/standalone/node");
for (const name of ["LD_PRELOAD", "ASAN_OPTIONS", "UBSAN_OPTIONS"]) delete process.env[name];
