// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include "core/commit.h"
#include "core/json.h"

// The Ruleset of src/ruleset/ruleset.ts, read from a request, and rules of the kernel, written into a reply.
namespace sluice {

Family ReadFamily(const json::Value& value, const json::Place& place);
Table ReadTable(const json::Value& value, const json::Place& place);
Ruleset ReadRuleset(const json::Value& value, const json::Place& place);

void WriteChain(json::Writer& writer, const InstalledChain& chain);

}  // namespace sluice
