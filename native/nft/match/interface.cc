// SPDX-License-Identifier: GPL-2.0-or-later
#include <linux/netfilter/nf_tables.h>

#include "nft/match/match.h"

// `-i eth0`, `-o lo`: meta iifname or oifname, compared with the name and its NUL; `eth+` with the bytes
// before the '+' and no NUL.
namespace sluice::nft {

void Encode(const InterfaceMatch& match, RuleBuilder& rule) {
  rule.LoadMeta(match.out ? NFT_META_OIFNAME : NFT_META_IIFNAME);
  const bool prefix = match.name.back() == '+';
  const size_t length = prefix ? match.name.size() - 1 : match.name.size() + 1;
  rule.CompareEqual(match.name.c_str(), static_cast<uint32_t>(length));
}

std::optional<Match> DecodeInterface(Cursor& cursor) {
  const Expression* load = cursor.Peek();
  if (load == nullptr || !load->Is("meta")) return std::nullopt;
  const bool out = load->NumberIs(NFTNL_EXPR_META_KEY, NFT_META_OIFNAME);
  if (!out && !load->NumberIs(NFTNL_EXPR_META_KEY, NFT_META_IIFNAME)) return std::nullopt;
  const auto comparison = ReadComparison(cursor, load->Number(NFTNL_EXPR_META_DREG).value_or(0));
  if (!comparison || !comparison->mask.empty() || comparison->value.empty()) return std::nullopt;
  const size_t end = comparison->value.find('\0');
  std::string name(comparison->value.substr(0, end));
  if (end == std::string_view::npos) name += '+';
  cursor.Take(comparison->expressions);
  return InterfaceMatch{out, std::move(name)};
}

}  // namespace sluice::nft
