// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <string>
#include <vector>

#include "core/wanted.h"
#include "nft/batch.h"
#include "nft/state.h"

namespace sluice::nftables {

using WantedRule = sluice::WantedRule<nft::RuleHandle>;

// Adds to the batch what makes a chain that holds the one hold the other: as many rules as possible stay
// where they are, with what they have counted. Nothing when it holds exactly the wanted ones.
void PlanRules(const nft::TableId& table, const std::string& chain, const std::vector<nft::StoredRule>& held,
               const std::vector<WantedRule>& wanted, nft::Batch& batch);

}  // namespace sluice::nftables
