// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "nft/state.h"

namespace sluice::nftables {

struct SetState {
  std::optional<SetType> type;  // absent: no set of intervals of ports or addresses
  // False when an element says more than an interval does, or when the borders do not pair.
  bool plain = true;
  bool leads = false;  // it has nft's leading border
  std::vector<Interval> intervals;
};

// What the kernel holds of the table: the chains that the ruleset names, and every set.
struct State {
  uint32_t generation = 0;
  nft::TableState table;
  std::map<std::string, SetState> sets;
};

// Nothing when the ruleset changed meanwhile: ask again. Reading creates nothing.
std::optional<State> ReadState(nft::Connection& connection, const Ruleset& ruleset);

}  // namespace sluice::nftables
