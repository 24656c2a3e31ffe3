// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include "core/json.h"

// The ops of docs/core.md that ask what the kernel has: "extensions", "tracking" and "symbols".
namespace sluice::look {

void AnswerExtensions(const json::Value& document, const json::Place& place, json::Writer& writer);
void AnswerTracking(const json::Value& document, const json::Place& place, json::Writer& writer);
void AnswerSymbols(const json::Value& document, const json::Place& place, json::Writer& writer);

}  // namespace sluice::look
