// SPDX-License-Identifier: GPL-2.0-or-later
#include <arpa/inet.h>
#include <linux/netfilter/nf_tables.h>

#include <cstring>

#include "nft/match/match.h"

// `-m tcp --dport 80`, `--dport 80:90`: the port in the transport header, compared or in a range.
namespace sluice::nft {
namespace {

constexpr uint32_t kDestinationPortOffset = 2;  // the same in struct tcphdr and struct udphdr

std::optional<uint16_t> ReadPort(std::string_view bytes) {
  uint16_t port = 0;
  if (bytes.size() != sizeof(port)) return std::nullopt;
  memcpy(&port, bytes.data(), sizeof(port));
  return ntohs(port);
}

}  // namespace

void Encode(const DestinationPortMatch& match, RuleBuilder& rule) {
  const uint16_t first = htons(match.ports.first);
  const uint16_t last = htons(match.ports.last);
  rule.LoadPayload(NFT_PAYLOAD_TRANSPORT_HEADER, kDestinationPortOffset, sizeof(first));
  if (first == last) {
    rule.CompareEqual(&first, sizeof(first));
  } else {
    rule.CompareRange(&first, &last, sizeof(first));
  }
}

std::optional<Match> DecodeDestinationPort(Cursor& cursor) {
  const Expression* load = cursor.Peek();
  if (load == nullptr || !load->Is("payload") ||
      !load->NumberIs(NFTNL_EXPR_PAYLOAD_BASE, NFT_PAYLOAD_TRANSPORT_HEADER) ||
      !load->NumberIs(NFTNL_EXPR_PAYLOAD_OFFSET, kDestinationPortOffset) ||
      !load->NumberIs(NFTNL_EXPR_PAYLOAD_LEN, sizeof(uint16_t))) {
    return std::nullopt;
  }
  const uint32_t loaded = load->Number(NFTNL_EXPR_PAYLOAD_DREG).value_or(0);
  const Expression* range = cursor.Peek(1);
  std::optional<uint16_t> first;
  std::optional<uint16_t> last;
  if (range != nullptr && range->Is("range") && range->NumberIs(NFTNL_EXPR_RANGE_OP, NFT_RANGE_EQ) &&
      range->NumberIs(NFTNL_EXPR_RANGE_SREG, loaded)) {
    first = ReadPort(range->Bytes(NFTNL_EXPR_RANGE_FROM_DATA));
    last = ReadPort(range->Bytes(NFTNL_EXPR_RANGE_TO_DATA));
  } else if (const auto comparison = ReadComparison(cursor, loaded); comparison && comparison->mask.empty()) {
    first = last = ReadPort(comparison->value);
  }
  if (!first || !last || *first > *last) return std::nullopt;
  cursor.Take(2);
  return DestinationPortMatch{{*first, *last}};
}

}  // namespace sluice::nft
