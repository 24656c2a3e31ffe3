// SPDX-License-Identifier: GPL-2.0-or-later
#include <linux/netfilter/nf_tables.h>
#include <netinet/in.h>

#include "nft/match/match.h"

// `-p tcp`: meta l4proto, compared.
namespace sluice::nft {

void Encode(const ProtocolMatch& match, RuleBuilder& rule) {
  rule.LoadMeta(NFT_META_L4PROTO);
  rule.CompareEqual(&match.protocol, sizeof(match.protocol));
}

std::optional<Match> DecodeProtocol(Cursor& cursor) {
  const Expression* load = cursor.Peek();
  if (load == nullptr || !load->Is("meta") || !load->NumberIs(NFTNL_EXPR_META_KEY, NFT_META_L4PROTO)) {
    return std::nullopt;
  }
  const auto comparison = ReadComparison(cursor, load->Number(NFTNL_EXPR_META_DREG).value_or(0));
  if (!comparison || !comparison->mask.empty() || comparison->value.size() != 1) return std::nullopt;
  const auto protocol = static_cast<uint8_t>(comparison->value[0]);
  if (protocol != IPPROTO_TCP && protocol != IPPROTO_UDP) return std::nullopt;
  cursor.Take(comparison->expressions);
  return ProtocolMatch{protocol};
}

}  // namespace sluice::nft
