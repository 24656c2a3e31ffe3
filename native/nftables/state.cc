// SPDX-License-Identifier: GPL-2.0-or-later
#include "nftables/state.h"

#include <linux/netfilter/nf_tables.h>

#include <array>
#include <utility>

#include "nft/attribute.h"
#include "nft/questions.h"
#include "nft/request.h"
#include "nftables/interval_set.h"

namespace sluice::nftables {

using nft::DumpExisting;

namespace {

// The requests of one table. Each is false when the ruleset changed meanwhile.
class Reader {
 public:
  Reader(nft::Connection& connection, State& state) : connection_(connection), state_(state) {}

  bool Read(const std::vector<Table>& elsewhere) {
    nft::Questions questions(connection_);
    questions.Add(nft::GetGeneration,
                  [&](const nlmsghdr* answer) { state_.generation = nft::GenerationOf(answer); });
    questions.Add([&](uint32_t sequence) { return nft::GetTable(state_.table.id, sequence); },
                  [&](const nlmsghdr* answer) {
                    state_.table.exists = true;
                    state_.table.flags = nft::TableFlagsOf(answer);
                  });
    nft::LookFor(elsewhere, questions, state_.elsewhere);
    questions.Run();
    if (!state_.table.exists) return true;
    return ReadChains() && ReadRules() && ReadSets() && ReadOthers() &&
           nft::ReadGeneration(connection_) == state_.generation;
  }

 private:
  bool ReadChains() {
    const auto request = nft::DumpChains(state_.table.id, connection_.NextSequence());
    return DumpExisting(connection_, request, [&](const nlmsghdr* message) {
      if (nft::TableNameIn(message) != state_.table.id.name) return;
      nft::ChainState chain = nft::ChainOf(message);
      state_.table.chains.emplace(chain.name, std::move(chain));
    });
  }

  bool ReadRules() {
    bool known = true;
    const auto request = nft::DumpRules(state_.table.id, connection_.NextSequence());
    const bool read = DumpExisting(connection_, request, [&](const nlmsghdr* message) {
      nft::StoredRule rule = nft::RuleOf(message);
      const char* name = nftnl_rule_get_str(rule.handle.get(), NFTNL_RULE_CHAIN);
      const auto chain = state_.table.chains.find(name == nullptr ? "" : name);
      known = known && chain != state_.table.chains.end();
      if (known) chain->second.rules.push_back(std::move(rule));
    });
    return read && known;
  }

  bool ReadSets() {
    const auto on_set = [&](const nlmsghdr* message) {
      const nft::SetHandle set = nft::NewSet();
      if (!nft::ReadInto(set.get(), nftnl_set_nlmsg_parse, message, NFT_MSG_NEWSET)) {
        state_.others = true;
        return;
      }
      // Anonymous ones belong to the rules that hold them.
      if ((nftnl_set_get_u32(set.get(), NFTNL_SET_FLAGS) & NFT_SET_ANONYMOUS) != 0) return;
      const char* name = nftnl_set_get_str(set.get(), NFTNL_SET_NAME);
      if (name == nullptr) return;
      SetState found;
      found.type = TypeOf(set.get());
      state_.sets.emplace(name, std::move(found));
    };
    const auto request = nft::DumpSets(state_.table.id, connection_.NextSequence());
    if (!DumpExisting(connection_, request, on_set)) return false;
    for (auto& [name, set] : state_.sets) {
      if (set.type && !ReadElements(name, set)) return false;
    }
    return true;
  }

  bool ReadElements(const std::string& name, SetState& set) {
    std::vector<nft::Border> borders;
    const auto request = nft::DumpElements(state_.table.id, name, connection_.NextSequence());
    const bool read = DumpExisting(connection_, request, [&](const nlmsghdr* message) {
      set.plain = ReadBorders(message, *set.type, borders) && set.plain;
    });
    for (const nft::Border& border : borders) {
      set.leads = set.leads || (border.end && border.key == nft::Border{}.key);
    }
    auto intervals = IntervalsOf(std::move(borders), *set.type);
    set.plain = set.plain && intervals.has_value();
    if (intervals) set.intervals = std::move(*intervals);
    return read;
  }

  bool ReadOthers() {
    const auto on_other = [&](const nlmsghdr* message) {
      state_.others = state_.others || nft::TableNameIn(message) == state_.table.id.name;
    };
    const auto objects = nft::DumpObjects(state_.table.id, connection_.NextSequence());
    if (!DumpExisting(connection_, objects, on_other)) return false;
    const auto flow_tables = nft::DumpFlowTables(state_.table.id, connection_.NextSequence());
    return DumpExisting(connection_, flow_tables, on_other);
  }

  nft::Connection& connection_;
  State& state_;
};

}  // namespace

std::optional<SetType> TypeOf(const nftnl_set* set) {
  if (nftnl_set_get_u32(set, NFTNL_SET_FLAGS) != NFT_SET_INTERVAL) return std::nullopt;
  // The kernel mentions these only where they are not what ours have.
  constexpr std::array kMore = {NFTNL_SET_DESC_SIZE,   NFTNL_SET_DESC_CONCAT, NFTNL_SET_TIMEOUT,
                                NFTNL_SET_GC_INTERVAL, NFTNL_SET_POLICY,      NFTNL_SET_OBJ_TYPE,
                                NFTNL_SET_DATA_TYPE,   NFTNL_SET_EXPR,        NFTNL_SET_EXPRESSIONS};
  for (const uint16_t attribute : kMore) {
    if (nftnl_set_is_set(set, attribute)) return std::nullopt;
  }
  for (const SetType type : {SetType::kPorts, SetType::kIpv4, SetType::kIpv6}) {
    if (nftnl_set_get_u32(set, NFTNL_SET_KEY_TYPE) == nft::KeyType(type) &&
        nftnl_set_get_u32(set, NFTNL_SET_KEY_LEN) == ElementSize(type)) {
      return type;
    }
  }
  return std::nullopt;
}

std::optional<State> ReadState(nft::Connection& connection, const nft::TableId& table,
                               const std::vector<Table>& elsewhere) {
  State state;
  state.table.id = table;
  if (!Reader(connection, state).Read(elsewhere)) return std::nullopt;
  return state;
}

}  // namespace sluice::nftables
