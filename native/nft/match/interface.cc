// SPDX-License-Identifier: GPL-2.0-or-later
#include <linux/netfilter/nf_tables.h>
#include <net/if.h>

#include <cstring>

#include "nft/match/match.h"

// `-i eth0`, `-o lo`: meta iifname or oifname, compared with the name and its NUL; `eth+` with the bytes
// before the '+' and no NUL.
namespace sluice::nft {

namespace {

// LOOPBACK_IFINDEX (include/net/flow.h): lo, in every network namespace. nft's `oif lo` keeps the index;
// those of others say nothing of the interface that has the name later.
constexpr uint32_t kLoopbackIndex = 1;

// The name that these bytes are compared with: whole where they hold its NUL, else the start of names. The
// kernel fills up with NULs (strscpy_pad), so that nothing else behind one is ever equal; and a whole name
// that ends in '+' has no words in the rule model.
std::optional<std::string> ComparedName(std::string_view bytes) {
  const size_t end = bytes.find('\0');
  std::string name(bytes.substr(0, end));
  if (end == std::string_view::npos) {
    name += '+';
  } else if (name.empty() || name.back() == '+' || bytes.find_first_not_of('\0', end) != bytes.npos) {
    return std::nullopt;
  }
  if (name.size() >= IFNAMSIZ) return std::nullopt;
  return name;
}

}  // namespace

void Encode(const InterfaceMatch& match, RuleBuilder& rule) {
  rule.LoadMeta(match.out ? NFT_META_OIFNAME : NFT_META_IIFNAME);
  const bool prefix = match.name.back() == '+';
  const size_t length = prefix ? match.name.size() - 1 : match.name.size() + 1;
  rule.CompareEqual(match.name.c_str(), static_cast<uint32_t>(length));
}

std::optional<Match> DecodeInterface(Cursor& cursor) {
  const Expression* load = cursor.Peek();
  if (load == nullptr || !load->Is("meta")) return std::nullopt;
  const uint32_t key = load->Number(NFTNL_EXPR_META_KEY).value_or(NFT_META_LEN);
  const bool by_index = key == NFT_META_IIF || key == NFT_META_OIF;
  const bool out = key == NFT_META_OIF || key == NFT_META_OIFNAME;
  if (!by_index && !out && key != NFT_META_IIFNAME) return std::nullopt;
  const auto comparison = ReadComparison(cursor, load->Number(NFTNL_EXPR_META_DREG).value_or(0));
  if (!comparison || !comparison->mask.empty() || comparison->value.empty()) return std::nullopt;
  if (by_index) {
    uint32_t index = 0;
    if (comparison->value.size() != sizeof(index)) return std::nullopt;
    memcpy(&index, comparison->value.data(), sizeof(index));
    if (index != kLoopbackIndex) return std::nullopt;
    cursor.Take(comparison->expressions);
    return InterfaceMatch{out, "lo"};
  }
  auto name = ComparedName(comparison->value);
  if (!name) return std::nullopt;
  cursor.Take(comparison->expressions);
  return InterfaceMatch{out, std::move(*name)};
}

}  // namespace sluice::nft
