// SPDX-License-Identifier: GPL-2.0-or-later
#include <linux/netfilter/nf_tables.h>

#include "nft/match/header.h"
#include "nft/match/match.h"

// `tcp dport @skipped`, `ip daddr @skipped4`: a field of a header, looked up in a named set.
namespace sluice::nft {

void Encode(const PortSetMatch& match, RuleBuilder& rule) {
  rule.LoadPayload(NFT_PAYLOAD_TRANSPORT_HEADER, kDestinationPortOffset, sizeof(uint16_t));
  rule.Lookup(match.set);
}

void Encode(const AddressSetMatch& match, RuleBuilder& rule) {
  rule.LoadPayload(NFT_PAYLOAD_NETWORK_HEADER, AddressOffset(match.family, match.destination),
                   static_cast<uint32_t>(AddressSize(match.family)));
  rule.Lookup(match.set);
}

std::optional<Match> DecodeSetMatch(Cursor& cursor, const std::optional<Family>& family) {
  const Expression* load = cursor.Peek();
  const Expression* lookup = cursor.Peek(1);
  if (load == nullptr || !load->Is("payload") || lookup == nullptr || !lookup->Is("lookup") ||
      lookup->Number(NFTNL_EXPR_LOOKUP_SREG) != load->Number(NFTNL_EXPR_PAYLOAD_DREG) ||
      lookup->Number(NFTNL_EXPR_LOOKUP_FLAGS).value_or(0) != 0 ||
      lookup->Has(NFTNL_EXPR_LOOKUP_DREG)) {  // a map: what it holds for the element is what matters
    return std::nullopt;
  }
  const std::string set = lookup->Text(NFTNL_EXPR_LOOKUP_SET);
  const auto field = [&](uint32_t base, uint32_t offset, size_t length) {
    return load->NumberIs(NFTNL_EXPR_PAYLOAD_BASE, base) &&
           load->NumberIs(NFTNL_EXPR_PAYLOAD_OFFSET, offset) &&
           load->NumberIs(NFTNL_EXPR_PAYLOAD_LEN, static_cast<uint32_t>(length));
  };
  std::optional<Match> match;
  if (field(NFT_PAYLOAD_TRANSPORT_HEADER, kDestinationPortOffset, sizeof(uint16_t))) {
    match = PortSetMatch{set};
  } else if (family) {
    for (const bool destination : {false, true}) {
      if (field(NFT_PAYLOAD_NETWORK_HEADER, AddressOffset(*family, destination), AddressSize(*family))) {
        match = AddressSetMatch{destination, *family, set};
      }
    }
  }
  if (match) cursor.Take(2);
  return match;
}

}  // namespace sluice::nft
