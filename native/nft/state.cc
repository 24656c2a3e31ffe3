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
#include "nft/request.h"

namespace sluice::nft {
namespace {

uint32_t GenerationOf(const nlmsghdr* message) {
  uint32_t generation = 0;
  ForEachAttribute(static_cast<const char*>(mnl_nlmsg_get_payload(message)) + sizeof(nfgenmsg),
                   mnl_nlmsg_get_payload_len(message) - sizeof(nfgenmsg), [&](const nlattr* attribute) {
                     if (mnl_attr_get_type(attribute) == NFTA_GEN_ID) {
                       generation = ntohl(mnl_attr_get_u32(attribute));
                     }
                   });
  return generation;
}

uint32_t TableFlagsOf(const nlmsghdr* message) {
  const TableHandle table = NewTable();
  nftnl_table_nlmsg_parse(message, table.get());
  return nftnl_table_get_u32(table.get(), NFTNL_TABLE_FLAGS);
}

ChainState ChainOf(const nlmsghdr* message) {
  const ChainHandle chain = NewChain();
  nftnl_chain_nlmsg_parse(message, chain.get());
  ChainState state;
  if (nftnl_chain_is_set(chain.get(), NFTNL_CHAIN_HOOKNUM)) {
    state.base_priority = nftnl_chain_get_s32(chain.get(), NFTNL_CHAIN_PRIO);
    state.hook = nftnl_chain_get_u32(chain.get(), NFTNL_CHAIN_HOOKNUM);
    state.policy_accept = nftnl_chain_get_u32(chain.get(), NFTNL_CHAIN_POLICY) == NF_ACCEPT;
    const char* type = nftnl_chain_get_str(chain.get(), NFTNL_CHAIN_TYPE);
    if (type != nullptr) state.type = type;
  }
  return state;
}

std::vector<std::string> ChainNames(const Ruleset& ruleset) {
  std::vector<std::string> names;
  for (const BaseChain& chain : ruleset.base_chains) names.push_back(chain.name);
  for (const Chain& chain : ruleset.chains) names.push_back(chain.name);
  names.insert(names.end(), ruleset.absent_chains.begin(), ruleset.absent_chains.end());
  return names;
}

// Several requests in one send, each with what to do with its answer; an answer of ENOENT is no answer.
class Questions {
 public:
  explicit Questions(Connection& connection) : connection_(connection) {}

  using Ask = std::function<std::vector<char>(uint32_t sequence)>;
  void Add(const Ask& ask, Connection::OnMessage on_answer) {
    const uint32_t sequence = connection_.NextSequence();
    const std::vector<char> request = ask(sequence);
    requests_.insert(requests_.end(), request.begin(), request.end());
    answers_.emplace(sequence, std::move(on_answer));
  }

  void Run() {
    connection_.Send(requests_);
    const auto on_message = [&](const nlmsghdr* message) { Answered(message->nlmsg_seq, message); };
    const auto on_refusal = [&](const Refusal& refusal) {
      if (answers_.count(refusal.sequence) == 0) return;  // to a batch whose answer had been given up
      if (refusal.error_number != ENOENT) Throw(refusal.error_number);
      Answered(refusal.sequence, nullptr);
    };
    while (!answers_.empty()) {
      if (!connection_.Receive(on_message, on_refusal)) {
        throw SystemCallError(EIO, "recv", "nf_tables left a question without an answer");
      }
    }
  }

 private:
  void Answered(uint32_t sequence, const nlmsghdr* message) {
    const auto found = answers_.find(sequence);
    if (found == answers_.end()) return;
    if (message != nullptr) found->second(message);
    answers_.erase(found);
  }

  [[noreturn]] static void Throw(int error_number) {
    Error error = SystemCallError(error_number, "recv", "cannot read the tables of nf_tables");
    // nfnetlink answers so when no nf_tables has registered with it (nfnetlink_rcv_msg).
    if (error_number == EINVAL || error_number == EOPNOTSUPP) {
      error.code = ErrorCode::kModeUnavailable;
      error.detail = "this kernel has no nf_tables";
    }
    throw error;
  }

  Connection& connection_;
  std::vector<char> requests_;
  std::map<uint32_t, Connection::OnMessage> answers_;
};

void AskAll(Connection& connection, const std::vector<std::string>& chains,
            const std::optional<Table>& elsewhere, State& state) {
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
  if (elsewhere) {
    questions.Add([&](uint32_t sequence) { return GetTable(IdOf(*elsewhere), sequence); },
                  [&](const nlmsghdr*) { state.elsewhere = true; });
  }
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

// A set may go with its last rule; then the kernel has no elements to list.
bool DumpElementsOf(Connection& connection, const std::vector<char>& request,
                    const Connection::OnMessage& on_message) {
  try {
    return connection.Dump(request, on_message);
  } catch (const Error& error) {
    if (error.error_number != ENOENT) throw;
    return false;
  }
}

// Few rules look anything up: then this asks nothing. False when the ruleset changed meanwhile.
bool ReadPortSets(Connection& connection, TableState& table) {
  for (const std::string& name : SetsLookedUp(table)) {
    const SetHandle set = NewSet();
    Questions questions(connection);
    questions.Add([&](uint32_t sequence) { return GetSet(table.id, name, sequence); },
                  [&](const nlmsghdr* answer) { nftnl_set_nlmsg_parse(answer, set.get()); });
    questions.Run();
    if (!HoldsPorts(set.get())) continue;
    const auto request = DumpElements(table.id, name, connection.NextSequence());
    // libnftnl stops at an expression that it does not know: the elements behind it are missing.
    bool whole = true;
    const auto on_elements = [&](const nlmsghdr* message) {
      whole = nftnl_set_elems_nlmsg_parse(message, set.get()) >= 0 && whole;
    };
    if (!DumpElementsOf(connection, request, on_elements)) return false;
    if (whole) table.port_sets.emplace(name, PortsOf(set.get()));
  }
  return true;
}

}  // namespace

const TableState* State::Find(Family family) const {
  const auto found = std::find_if(tables.begin(), tables.end(),
                                  [&](const TableState& table) { return FamilyOf(table.id) == family; });
  return found == tables.end() ? nullptr : &*found;
}

StoredRule RuleOf(const nlmsghdr* message) {
  StoredRule rule{NewRule()};
  rule.whole = nftnl_rule_nlmsg_parse(message, rule.handle.get()) >= 0;
  if (rule.whole) return rule;
  // libnftnl gives up before it comes to the userdata, where nft keeps its comment.
  ForEachAttribute(static_cast<const char*>(mnl_nlmsg_get_payload(message)) + sizeof(nfgenmsg),
                   mnl_nlmsg_get_payload_len(message) - sizeof(nfgenmsg), [&](const nlattr* attribute) {
                     if (mnl_attr_get_type(attribute) != NFTA_RULE_USERDATA) return;
                     nftnl_rule_set_data(rule.handle.get(), NFTNL_RULE_USERDATA,
                                         mnl_attr_get_payload(attribute),
                                         mnl_attr_get_payload_len(attribute));
                   });
  return rule;
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
                               const std::optional<Table>& elsewhere) {
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
    // The mode nftables reads the sets of its table itself.
    if (FamilyOf(table.id) && !ReadPortSets(connection, table)) return std::nullopt;
  }
  // NLM_F_DUMP_INTR does not catch every change between two parts of a list.
  if (read && ReadGeneration(connection) != state.generation) return std::nullopt;
  return state;
}

}  // namespace sluice::nft
