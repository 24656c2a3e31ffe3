// SPDX-License-Identifier: GPL-2.0-or-later
#include "nft/state.h"

#include <arpa/inet.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>

#include <algorithm>
#include <cerrno>
#include <functional>
#include <set>

#include "core/error.h"
#include "nft/attribute.h"
#include "nft/expression.h"
#include "nft/questions.h"
#include "nft/request.h"

namespace sluice::nft {
namespace {

std::vector<std::string> ChainNames(const Ruleset& ruleset) {
  std::vector<std::string> names;
  for (const BaseChain& chain : ruleset.base_chains) names.push_back(chain.name);
  for (const Chain& chain : ruleset.chains) names.push_back(chain.name);
  names.insert(names.end(), ruleset.absent_chains.begin(), ruleset.absent_chains.end());
  return names;
}

void AskAll(Connection& connection, const std::vector<std::string>& chains,
            const std::vector<Table>& elsewhere, State& state) {
  Questions questions(connection);
  questions.Add(GetGeneration, [&](const nlmsghdr* answer) { state.generation = GenerationOf(answer); });
  for (TableState& table : state.tables) {
    questions.Add([&](uint32_t sequence) { return GetTable(table.id, sequence); },
                  [&table](const nlmsghdr* answer) {
                    table.exists = true;
                    table.flags = TableFlagsOf(answer);
                  });
    for (const std::string& chain : chains) {
      questions.Add(
          [&](uint32_t sequence) { return GetChain(table.id, chain, sequence); },
          [&table, &chain](const nlmsghdr* answer) { table.chains.emplace(chain, ChainOf(answer)); });
    }
  }
  LookFor(elsewhere, questions, state.elsewhere);
  questions.Run();
}

bool ReadRules(Connection& connection, const TableState& table, const std::string& name, ChainState& chain) {
  const std::vector<char> request = DumpRules(table.id, name, connection.NextSequence());
  return connection.Dump(request, [&](const nlmsghdr* message) { chain.rules.push_back(RuleOf(message)); });
}

std::set<std::string> SetsLookedUp(const TableState& table) {
  std::set<std::string> names;
  for (const auto& [name, chain] : table.chains) {
    for (const StoredRule& rule : chain.rules) {
      for (const Expression& expression : ExpressionsOf(rule.handle.get())) {
        if (expression.Is("lookup")) names.insert(expression.Text(NFTNL_EXPR_LOOKUP_SET));
      }
    }
  }
  return names;
}

// Few rules look anything up: then this asks nothing. False when the ruleset changed meanwhile.
bool ReadPortSets(Connection& connection, TableState& table) {
  for (const std::string& name : SetsLookedUp(table)) {
    const SetHandle set = NewSet();
    Questions questions(connection);
    questions.Add(
        [&](uint32_t sequence) { return GetSet(table.id, name, sequence); },
        [&](const nlmsghdr* answer) { ReadInto(set.get(), nftnl_set_nlmsg_parse, answer, NFT_MSG_NEWSET); });
    questions.Run();
    if (!HoldsPorts(set.get())) continue;
    const auto request = DumpElements(table.id, name, connection.NextSequence());
    // libnftnl stops at an expression that it does not know: the elements behind it are missing.
    bool whole = true;
    const auto on_elements = [&](const nlmsghdr* message) {
      whole = ReadInto(set.get(), nftnl_set_elems_nlmsg_parse, message, NFT_MSG_NEWSETELEM) && whole;
    };
    if (!DumpExisting(connection, request, on_elements)) return false;
    if (whole) table.port_sets.emplace(name, PortsOf(set.get()));
  }
  return true;
}

}  // namespace

void TableState::CheckOwner() const {
  constexpr uint32_t kOwned =
      0x2;  // NFT_TABLE_F_OWNER: since 5.12, not in the headers of older distributions
  if ((flags & kOwned) == 0) return;
  Error error(ErrorCode::kTableOwned, "another process owns it");
  error.family = FamilyOf(id);
  error.table = id.name;
  throw error;
}

const TableState* State::Find(Family family) const {
  const auto found = std::find_if(tables.begin(), tables.end(),
                                  [&](const TableState& table) { return FamilyOf(table.id) == family; });
  return found == tables.end() ? nullptr : &*found;
}

uint32_t GenerationOf(const nlmsghdr* message) {
  uint32_t generation = 0;
  ForEachAttributeOf(message, [&](const nlattr* attribute) {
    if (mnl_attr_get_type(attribute) == NFTA_GEN_ID) generation = ntohl(NumberIn(attribute));
  });
  return generation;
}

uint32_t TableFlagsOf(const nlmsghdr* message) {
  const TableHandle table = NewTable();
  ReadInto(table.get(), nftnl_table_nlmsg_parse, message, NFT_MSG_NEWTABLE);
  return nftnl_table_get_u32(table.get(), NFTNL_TABLE_FLAGS);
}

ChainState ChainOf(const nlmsghdr* message) {
  const ChainHandle chain = NewChain();
  ReadInto(chain.get(), nftnl_chain_nlmsg_parse, message, NFT_MSG_NEWCHAIN);
  ChainState state;
  if (const char* name = nftnl_chain_get_str(chain.get(), NFTNL_CHAIN_NAME)) state.name = name;
  if (nftnl_chain_is_set(chain.get(), NFTNL_CHAIN_HOOKNUM)) {
    state.base_priority = nftnl_chain_get_s32(chain.get(), NFTNL_CHAIN_PRIO);
    state.hook = nftnl_chain_get_u32(chain.get(), NFTNL_CHAIN_HOOKNUM);
    state.policy_accept = nftnl_chain_get_u32(chain.get(), NFTNL_CHAIN_POLICY) == NF_ACCEPT;
    const char* type = nftnl_chain_get_str(chain.get(), NFTNL_CHAIN_TYPE);
    if (type != nullptr) state.type = type;
  }
  return state;
}

StoredRule RuleOf(const nlmsghdr* message) {
  StoredRule rule{NewRule()};
  rule.whole = ReadInto(rule.handle.get(), nftnl_rule_nlmsg_parse, message, NFT_MSG_NEWRULE);
  if (rule.whole) return rule;
  // libnftnl gives up before it comes to the userdata, where nft keeps its comment.
  ForEachAttributeOf(message, [&](const nlattr* attribute) {
    if (mnl_attr_get_type(attribute) != NFTA_RULE_USERDATA) return;
    Stored(nftnl_rule_set_data(rule.handle.get(), NFTNL_RULE_USERDATA, mnl_attr_get_payload(attribute),
                               mnl_attr_get_payload_len(attribute)));
  });
  return rule;
}

void LookFor(const std::vector<Table>& tables, Questions& questions, bool& found) {
  for (const Table& table : tables) {
    questions.Add([&](uint32_t sequence) { return GetTable(IdOf(table), sequence); },
                  [&](const nlmsghdr*) { found = true; });
  }
}

uint32_t ReadGeneration(Connection& connection) {
  Questions questions(connection);
  uint32_t generation = 0;
  questions.Add(GetGeneration, [&](const nlmsghdr* answer) { generation = GenerationOf(answer); });
  questions.Run();
  return generation;
}

std::optional<State> ReadState(Connection& connection, const Ruleset& ruleset,
                               const std::function<bool(const TableId&)>& with_rules,
                               const std::vector<Table>& elsewhere) {
  State state;
  for (const Table& table : ruleset.tables) {
    state.tables.push_back({IdOf(table), false, 0, {}, {}});
  }
  AskAll(connection, ChainNames(ruleset), elsewhere, state);
  bool read = false;
  for (TableState& table : state.tables) {
    if (!with_rules(table.id)) continue;
    for (auto& [name, chain] : table.chains) {
      if (!ReadRules(connection, table, name, chain)) return std::nullopt;
      read = true;
    }
    if (!ReadPortSets(connection, table)) return std::nullopt;
  }
  // NLM_F_DUMP_INTR does not catch every change between two parts of a list.
  if (read && ReadGeneration(connection) != state.generation) return std::nullopt;
  return state;
}

}  // namespace sluice::nft
