// SPDX-License-Identifier: GPL-2.0-or-later
#include <linux/netfilter/nf_tables.h>

#include "nft/match/match.h"

// `tcp flags & (fin | syn | rst | ack) == syn`, which iptables calls --syn: the flags' byte of struct tcphdr,
// masked.
namespace sluice::nft {
namespace {

constexpr uint32_t kFlagsOffset = 13;
constexpr uint8_t kFinSynRstAck = 0x17;
constexpr uint8_t kSyn = 0x02;

bool Is(std::string_view bytes, uint8_t value) {
  return bytes.size() == 1 && static_cast<uint8_t>(bytes[0]) == value;
}

}  // namespace

void Encode(const NewConnectionMatch&, RuleBuilder& rule) {
  rule.LoadPayload(NFT_PAYLOAD_TRANSPORT_HEADER, kFlagsOffset, 1);
  rule.Mask(&kFinSynRstAck, 1);
  rule.CompareEqual(&kSyn, 1);
}

std::optional<Match> DecodeNewConnection(Cursor& cursor) {
  const Expression* load = cursor.Peek();
  if (load == nullptr || !load->Is("payload") ||
      !load->NumberIs(NFTNL_EXPR_PAYLOAD_BASE, NFT_PAYLOAD_TRANSPORT_HEADER) ||
      !load->NumberIs(NFTNL_EXPR_PAYLOAD_OFFSET, kFlagsOffset) ||
      !load->NumberIs(NFTNL_EXPR_PAYLOAD_LEN, 1)) {
    return std::nullopt;
  }
  const auto comparison = ReadComparison(cursor, load->Number(NFTNL_EXPR_PAYLOAD_DREG).value_or(0));
  if (!comparison || !Is(comparison->mask, kFinSynRstAck) || !Is(comparison->value, kSyn))
    return std::nullopt;
  cursor.Take(comparison->expressions);
  return NewConnectionMatch{};
}

}  // namespace sluice::nft
