// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include "core/commit.h"

namespace sluice {

// Checks what the parts of a request say of one another: every family has its table, no name stands twice,
// every jump leads to a chain that is wanted. Throws Error with code kInvalidRequest.
void CheckCommit(const RulesetRequest& request);

}  // namespace sluice
