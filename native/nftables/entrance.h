// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <set>

#include "nft/batch.h"
#include "nft/state.h"

// The table is for both families, and its chains are shared: which family it serves is said by the jumps of
// its base chains alone.
namespace sluice::nftables {

// The families of which packets are led from a base chain of the table into another chain.
std::set<Family> EnteredFamilies(const nft::TableState& table);

// Adds to the batch what leaves packets of one family alone entering: the jumps of the other go, those of
// both are narrowed, in their places. Throws Error for one of both that is not understood.
void RestrictEntrances(const nft::TableState& table, Family only, nft::Batch& batch);

}  // namespace sluice::nftables
