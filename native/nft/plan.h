// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <array>
#include <string>
#include <vector>

#include "core/ruleset.h"
#include "nft/batch.h"
#include "nft/state.h"

namespace sluice::nft {

// A rule of the request as it stands in one family, encoded once for all attempts.
struct WantedRule {
  size_t index;  // in the request
  RuleHandle rule;
};

struct WantedChain {
  const Chain* chain;
  std::vector<WantedRule> rules;
};

struct WantedJump {
  const BaseChain* base;
  size_t index;  // in base->jumps
  std::string target;
  RuleHandle rule;
};

// What one table shall hold.
struct WantedTable {
  Family family;
  std::string name;
  std::vector<WantedChain> chains;
  std::vector<WantedJump> jumps;
  const Ruleset* ruleset;
};

WantedTable Encode(const Ruleset& ruleset, const Table& table);

// Adds what is missing between the kernel's table and the wanted one; nothing when it holds exactly that.
// Throws Error where the table cannot hold our rules: dormant, owned, or a chain of another kind under a name
// of ours.
void PlanTable(const WantedTable& wanted, const TableState& state, Batch& batch);

}  // namespace sluice::nft
