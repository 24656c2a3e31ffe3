// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include "core/json.h"

namespace sluice::look {

// The op "probe" of docs/core.md. Throws Error.
void AnswerProbe(const json::Value& document, const json::Place& place, json::Writer& writer);

}  // namespace sluice::look
