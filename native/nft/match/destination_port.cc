// SPDX-License-Identifier: GPL-2.0-or-later
#include <arpa/inet.h>
#include <linux/netfilter/nf_tables.h>

#include <cstring>

#include "nft/match/header.h"
#include "nft/match/match.h"

// `-m tcp --dport 80`, `--dport 80:90`: the port in the transport header, compared or in a range. nft also
// writes ranges as two comparisons, and looks several ports up in a set.
namespace sluice::nft {
namespace {

std::optional<uint16_t> ReadPort(std::string_view bytes) {
  uint16_t port = 0;
  if (bytes.size() != sizeof(port)) return std::nullopt;
  memcpy(&port, bytes.data(), sizeof(port));
  return ntohs(port);
}

// The set that the port is looked up in, if it holds ports; null otherwise.
const std::vector<PortRange>* PortsLookedUp(const Expression* lookup, uint32_t loaded,
                                            const PortSets& port_sets) {
  const bool plain =
      lookup != nullptr && lookup->Is("lookup") && lookup->NumberIs(NFTNL_EXPR_LOOKUP_SREG, loaded) &&
      lookup->Number(NFTNL_EXPR_LOOKUP_FLAGS).value_or(0) == 0 && !lookup->Has(NFTNL_EXPR_LOOKUP_DREG);
  if (!plain) return nullptr;
  const auto found = port_sets.find(lookup->Text(NFTNL_EXPR_LOOKUP_SET));
  return found == port_sets.end() || found->second.empty() ? nullptr : &found->second;
}

struct Range {
  std::optional<uint16_t> first;
  std::optional<uint16_t> last;
  size_t expressions;  // the load among them
};

// A comparison, a range, or nft's pair of comparisons: not less than the first, not greater than the last.
std::optional<Range> ReadRange(const Cursor& cursor, uint32_t loaded) {
  const Expression* next = cursor.Peek(1);
  if (next == nullptr) return std::nullopt;
  if (next->Is("range") && next->NumberIs(NFTNL_EXPR_RANGE_OP, NFT_RANGE_EQ) &&
      next->NumberIs(NFTNL_EXPR_RANGE_SREG, loaded)) {
    return Range{ReadPort(next->Bytes(NFTNL_EXPR_RANGE_FROM_DATA)),
                 ReadPort(next->Bytes(NFTNL_EXPR_RANGE_TO_DATA)), 2};
  }
  const auto compares = [&](const Expression* cmp, uint32_t operation) {
    return cmp != nullptr && cmp->Is("cmp") && cmp->NumberIs(NFTNL_EXPR_CMP_OP, operation) &&
           cmp->NumberIs(NFTNL_EXPR_CMP_SREG, loaded);
  };
  const auto port_of = [](const Expression* cmp) { return ReadPort(cmp->Bytes(NFTNL_EXPR_CMP_DATA)); };
  if (compares(next, NFT_CMP_EQ)) return Range{port_of(next), port_of(next), 2};
  const Expression* upper = cursor.Peek(2);
  if (!compares(next, NFT_CMP_GTE) || !compares(upper, NFT_CMP_LTE)) return std::nullopt;
  return Range{port_of(next), port_of(upper), 3};
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

std::optional<Match> DecodePorts(Cursor& cursor, const PortSets& port_sets) {
  const Expression* load = cursor.Peek();
  if (load == nullptr || !load->Is("payload") ||
      !load->NumberIs(NFTNL_EXPR_PAYLOAD_BASE, NFT_PAYLOAD_TRANSPORT_HEADER) ||
      !load->NumberIs(NFTNL_EXPR_PAYLOAD_OFFSET, kDestinationPortOffset) ||
      !load->NumberIs(NFTNL_EXPR_PAYLOAD_LEN, sizeof(uint16_t))) {
    return std::nullopt;
  }
  const uint32_t loaded = load->Number(NFTNL_EXPR_PAYLOAD_DREG).value_or(0);
  if (const std::vector<PortRange>* ports = PortsLookedUp(cursor.Peek(1), loaded, port_sets)) {
    cursor.Take(2);
    return MultiportMatch{*ports};
  }
  const auto range = ReadRange(cursor, loaded);
  if (!range || !range->first || !range->last || *range->first > *range->last) return std::nullopt;
  cursor.Take(range->expressions);
  return DestinationPortMatch{{*range->first, *range->last}};
}

}  // namespace sluice::nft
