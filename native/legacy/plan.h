// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include "core/wanted.h"
#include "legacy/table.h"

namespace sluice::legacy {

using WantedTable = sluice::WantedTable<EncodedEntry>;

// Changes the table, in memory, until it holds what is wanted. False when it held exactly that. Throws Error
// where it cannot: a name of ours is a base chain, or a chain is still entered from elsewhere.
bool Apply(const WantedTable& wanted, Table& table);

}  // namespace sluice::legacy
