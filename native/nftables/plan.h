// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "nft/batch.h"
#include "nftables/chain_rules.h"
#include "nftables/state.h"

namespace sluice::nftables {

// A chain of ours; a base chain holds its jumps.
struct WantedChain {
  std::string name;
  const BaseChain* base;  // null: not a base chain
  std::vector<WantedRule> rules;
};

// What the table shall hold, each rule encoded once for all attempts. Without chains: no table, but for the
// families that are not asked for.
struct Wanted {
  nft::TableId id;
  std::vector<Set> sets;
  std::vector<WantedChain> chains;
  std::vector<std::string> absent_chains;
  std::vector<Family> others;  // families of this kernel that are not asked for
};

// The rules of the ruleset that stand in the families; with one family alone, none is entered by a packet of
// the other.
Wanted EncodeRuleset(const Ruleset& ruleset, const std::vector<Family>& families);

// Adds what is missing between the kernel's table and the wanted one; nothing when it holds exactly that. Of
// a set only the intervals that differ are sent, and rules that stay are not touched. Where the table holds
// something else by a name of ours or anything of others that could be in the way, or is dormant, it is made
// anew, in the same transaction. Throws Error for a table that another process owns.
void PlanTable(const Wanted& wanted, const State& state, nft::Batch& batch);

}  // namespace sluice::nftables
