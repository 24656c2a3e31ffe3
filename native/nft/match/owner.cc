// SPDX-License-Identifier: GPL-2.0-or-later
#include <linux/netfilter/nf_tables.h>

#include <cstring>

#include "nft/match/match.h"

// `-m owner`: the extension of x_tables. nft's `meta skuid 2102` and `meta skgid 2102` say the same.
namespace sluice::nft {

void Encode(const OwnerMatch& match, RuleBuilder& rule) {
  rule.XtMatch(xtables::kOwner, xtables::kOwnerRevision, xtables::EncodeOwner(match));
}

std::optional<Match> DecodeOwner(Cursor& cursor) {
  const Expression* load = cursor.Peek();
  if (load == nullptr || !load->Is("meta")) return std::nullopt;
  const bool uid = load->NumberIs(NFTNL_EXPR_META_KEY, NFT_META_SKUID);
  if (!uid && !load->NumberIs(NFTNL_EXPR_META_KEY, NFT_META_SKGID)) return std::nullopt;
  const auto comparison = ReadComparison(cursor, load->Number(NFTNL_EXPR_META_DREG).value_or(0));
  uint32_t id = 0;
  if (!comparison || !comparison->mask.empty() || comparison->value.size() != sizeof(id)) return std::nullopt;
  memcpy(&id, comparison->value.data(), sizeof(id));
  cursor.Take(comparison->expressions);
  return uid ? OwnerMatch{id, std::nullopt} : OwnerMatch{std::nullopt, id};
}

}  // namespace sluice::nft
