// SPDX-License-Identifier: GPL-2.0-or-later
#include "nftables/state.h"

#include <linux/netfilter/nf_tables.h>

#include <cerrno>
#include <utility>

#include "core/error.h"
#include "nft/request.h"
#include "nftables/interval_set.h"

namespace sluice::nftables {
namespace {

std::optional<SetType> TypeOf(const nftnl_set* set) {
  if (nftnl_set_get_u32(set, NFTNL_SET_FLAGS) != NFT_SET_INTERVAL) return std::nullopt;
  for (const SetType type : {SetType::kPorts, SetType::kIpv4, SetType::kIpv6}) {
    if (nftnl_set_get_u32(set, NFTNL_SET_KEY_TYPE) == nft::KeyType(type) &&
        nftnl_set_get_u32(set, NFTNL_SET_KEY_LEN) == ElementSize(type)) {
      return type;
    }
  }
  return std::nullopt;
}

// A set, or its table, may go while it is read.
bool DumpExisting(nft::Connection& connection, const std::vector<char>& request,
                  const nft::Connection::OnMessage& on_message) {
  try {
    return connection.Dump(request, on_message);
  } catch (const Error& error) {
    if (error.error_number != ENOENT) throw;
    return false;
  }
}

bool ReadElements(nft::Connection& connection, const nft::TableId& table, const std::string& name,
                  SetState& set) {
  std::vector<nft::Border> borders;
  const auto request = nft::DumpElements(table, name, connection.NextSequence());
  const bool read = DumpExisting(connection, request, [&](const nlmsghdr* message) {
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

bool ReadSets(nft::Connection& connection, State& state) {
  const auto on_set = [&](const nlmsghdr* message) {
    const nft::SetHandle set = nft::NewSet();
    if (nftnl_set_nlmsg_parse(message, set.get()) < 0) return;
    // Anonymous ones belong to the rules that hold them.
    if ((nftnl_set_get_u32(set.get(), NFTNL_SET_FLAGS) & NFT_SET_ANONYMOUS) != 0) return;
    SetState found;
    found.type = TypeOf(set.get());
    state.sets.emplace(nftnl_set_get_str(set.get(), NFTNL_SET_NAME), std::move(found));
  };
  const auto request = nft::DumpSets(state.table.id, connection.NextSequence());
  if (!DumpExisting(connection, request, on_set)) return false;
  for (auto& [name, set] : state.sets) {
    if (set.type && !ReadElements(connection, state.table.id, name, set)) return false;
  }
  return true;
}

}  // namespace

std::optional<State> ReadState(nft::Connection& connection, const Ruleset& ruleset) {
  auto read = nft::ReadState(connection, ruleset, [](const nft::TableId&) { return true; });
  if (!read) return std::nullopt;
  State state{read->generation, std::move(read->tables.at(0)), {}};
  if (!state.table.exists) return state;
  if (!ReadSets(connection, state)) return std::nullopt;
  if (nft::ReadGeneration(connection) != state.generation) return std::nullopt;
  return state;
}

}  // namespace sluice::nftables
