// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <linux/netfilter/nf_tables.h>

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "core/ruleset.h"
#include "nft/connection.h"
#include "nft/handles.h"
#include "nft/port_set.h"
#include "nft/questions.h"
#include "nft/request.h"

namespace sluice::nft {

// What nf_tables holds of the tables and chains that a ruleset is about. Nothing else is read, so that
// ten thousand rules of others cost nothing.
struct StoredRule {
  RuleHandle handle;
  // False when libnftnl does not know an expression in it: then those before it are all that is there.
  bool whole = true;
};

struct ChainState {
  std::string name;
  std::optional<int32_t> base_priority;  // absent: not a base chain
  uint32_t hook = 0;
  std::string type;
  bool policy_accept = true;
  std::vector<StoredRule> rules;
};

struct TableState {
  TableId id;
  bool exists = false;
  uint32_t flags = 0;
  std::map<std::string, ChainState> chains;  // those that exist, of the ones asked for
  PortSets port_sets;                        // those that rules of these chains look up

  // It accepts rules and ignores them.
  bool dormant() const { return (flags & NFT_TABLE_F_DORMANT) != 0; }
  // Throws Error when another process owns it: only that one may change it.
  void CheckOwner() const;

  const ChainState* Find(const std::string& chain) const {
    const auto found = chains.find(chain);
    return found == chains.end() ? nullptr : &found->second;
  }
};

// What stands in a message of the kernel's.
uint32_t GenerationOf(const nlmsghdr* message);
uint32_t TableFlagsOf(const nlmsghdr* message);
ChainState ChainOf(const nlmsghdr* message);
StoredRule RuleOf(const nlmsghdr* message);

struct State {
  uint32_t generation = 0;
  std::vector<TableState> tables;
  bool elsewhere = false;  // whether one of the other tables that were asked about exists

  const TableState* Find(Family family) const;
};

// Asks for every table of the ruleset and every chain that it names, and for the rules of those chains in the
// tables for which `with_rules` is true. Nothing when the ruleset changed meanwhile: ask again. Reading
// creates nothing.
std::optional<State> ReadState(Connection& connection, const Ruleset& ruleset,
                               const std::function<bool(const TableId&)>& with_rules,
                               const std::vector<Table>& elsewhere = {});

// Asks for tables, which have to outlive the questions; `found` becomes true when one exists.
void LookFor(const std::vector<Table>& tables, Questions& questions, bool& found);

uint32_t ReadGeneration(Connection& connection);

}  // namespace sluice::nft
