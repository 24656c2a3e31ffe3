// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <string>

#include "core/json.h"
#include "core/ruleset.h"

// The named sets of a ruleset, read from a request, and those of the kernel, written into a reply.
namespace sluice {

std::string ReadSetName(const json::Value& value, const json::Place& place);
Set ReadSet(const json::Value& value, const json::Place& place);

void WriteSet(json::Writer& writer, const Set& set);

}  // namespace sluice
