// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "nft/state.h"

namespace sluice::nftables {

struct SetState {
  // Absent: no set of intervals of ports or addresses, or one that says more than ours do, such as a limit.
  std::optional<SetType> type;
  // False when an element says more than an interval does, or when the borders do not pair.
  bool plain = true;
  bool leads = false;  // it has nft's leading border
  std::vector<Interval> intervals;
};

// All that the kernel holds of the table, whoever put it there; the elements only of sets that have a type.
struct State {
  uint32_t generation = 0;
  nft::TableState table;
  std::map<std::string, SetState> sets;  // and maps
  bool others = false;                   // it has stateful objects or flow tables, which ours never has
  bool elsewhere = false;                // whether one of the tables of another mode exists
};

// Of a set as the kernel describes it.
std::optional<SetType> TypeOf(const nftnl_set* set);

// Nothing when the ruleset changed meanwhile: ask again. Reading creates nothing.
std::optional<State> ReadState(nft::Connection& connection, const nft::TableId& table,
                               const std::vector<Table>& elsewhere = {});

}  // namespace sluice::nftables
