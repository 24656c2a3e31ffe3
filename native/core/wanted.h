// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "core/ruleset.h"

// What one table shall hold, each rule encoded once for all attempts. `Encoded` is the back end's form of a
// rule.
namespace sluice {

template <typename Encoded>
struct WantedRule {
  size_t index;  // in the request
  Encoded rule;
};

template <typename Encoded>
struct WantedChain {
  const Chain* chain;
  std::vector<WantedRule<Encoded>> rules;
};

template <typename Encoded>
struct WantedJump {
  const BaseChain* base;
  size_t index;  // in base->jumps
  std::string target;
  Encoded rule;
};

template <typename Encoded>
struct WantedTable {
  Family family;
  std::string name;
  std::vector<WantedChain<Encoded>> chains;
  std::vector<WantedJump<Encoded>> jumps;
  const Ruleset* ruleset;
};

// `encode(rule, family)` for every rule that stands in the table's family.
template <typename Encoded, typename Encode>
WantedTable<Encoded> EncodeTable(const Ruleset& ruleset, const Table& table, const Encode& encode) {
  const Family family = *table.family;  // only the mode nftables has a table without
  WantedTable<Encoded> wanted{family, table.name, {}, {}, &ruleset};
  for (const Chain& chain : ruleset.chains) {
    WantedChain<Encoded> encoded{&chain, {}};
    for (size_t i = 0; i < chain.rules.size(); ++i) {
      if (chain.rules[i].In(family)) encoded.rules.push_back({i, encode(chain.rules[i], family)});
    }
    wanted.chains.push_back(std::move(encoded));
  }
  for (const BaseChain& base : ruleset.base_chains) {
    for (size_t i = 0; i < base.jumps.size(); ++i) {
      const Rule& jump = base.jumps[i];
      if (!jump.In(family)) continue;
      wanted.jumps.push_back({&base, i, std::get<JumpVerdict>(jump.verdict).chain, encode(jump, family)});
    }
  }
  return wanted;
}

}  // namespace sluice
