// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include "core/wanted.h"
#include "nft/batch.h"
#include "nft/state.h"

namespace sluice::nft {

using WantedTable = sluice::WantedTable<RuleHandle>;

// Adds what is missing between the kernel's table and the wanted one; nothing when it holds exactly that.
// Throws Error where the table cannot hold our rules: dormant, owned, or a chain of another kind under a name
// of ours.
void PlanTable(const WantedTable& wanted, const TableState& state, Batch& batch);

}  // namespace sluice::nft
