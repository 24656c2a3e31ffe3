// SPDX-License-Identifier: GPL-2.0-or-later
#include <linux/netfilter/nf_tables.h>
#include <netinet/in.h>

#include "nft/match/match.h"

// `-p tcp`: meta l4proto, compared.
namespace sluice::nft {

namespace {

constexpr uint32_t kProtocolOffset = 9;  // in struct iphdr

// The register that the protocol is loaded into. In IPv4 also from the packet's header, as iptables-nft does
// from 1.8.10 on; the next header of IPv6 need not be the transport's.
std::optional<uint32_t> LoadedProtocol(const Expression& load, Family family) {
  if (load.Is("meta") && load.NumberIs(NFTNL_EXPR_META_KEY, NFT_META_L4PROTO)) {
    return load.Number(NFTNL_EXPR_META_DREG);
  }
  const bool header = family == Family::kIpv4 && load.Is("payload") &&
                      load.NumberIs(NFTNL_EXPR_PAYLOAD_BASE, NFT_PAYLOAD_NETWORK_HEADER) &&
                      load.NumberIs(NFTNL_EXPR_PAYLOAD_OFFSET, kProtocolOffset) &&
                      load.NumberIs(NFTNL_EXPR_PAYLOAD_LEN, 1);
  return header ? load.Number(NFTNL_EXPR_PAYLOAD_DREG) : std::nullopt;
}

}  // namespace

void Encode(const ProtocolMatch& match, RuleBuilder& rule) {
  rule.LoadMeta(NFT_META_L4PROTO);
  rule.CompareEqual(&match.protocol, sizeof(match.protocol));
}

std::optional<Match> DecodeProtocol(Cursor& cursor, Family family) {
  const Expression* load = cursor.Peek();
  const auto loaded = load == nullptr ? std::nullopt : LoadedProtocol(*load, family);
  if (!loaded) return std::nullopt;
  const auto comparison = ReadComparison(cursor, *loaded);
  if (!comparison || !comparison->mask.empty() || comparison->value.size() != 1) return std::nullopt;
  const auto protocol = static_cast<uint8_t>(comparison->value[0]);
  if (protocol != IPPROTO_TCP && protocol != IPPROTO_UDP) return std::nullopt;
  cursor.Take(comparison->expressions);
  return ProtocolMatch{protocol};
}

}  // namespace sluice::nft
