// SPDX-License-Identifier: GPL-2.0-or-later
#include <linux/netfilter/nf_tables.h>

#include <algorithm>
#include <array>

#include "nft/match/header.h"
#include "nft/match/match.h"

// `-s CIDR`, `-d CIDR`: the address in the network header. A prefix of whole bytes is loaded and compared as
// such; any other takes the whole address and a mask.
namespace sluice::nft {
namespace {

using Address = std::array<uint8_t, 16>;

Address MaskOf(size_t prefix_length) {
  Address mask{};
  for (size_t bit = 0; bit < prefix_length; ++bit) mask[bit / 8] |= static_cast<uint8_t>(0x80U >> (bit % 8));
  return mask;
}

// The prefix length that a mask, no longer than an address, stands for; nothing when it has holes.
std::optional<size_t> PrefixLength(std::string_view mask) {
  for (size_t length = 0; length <= mask.size() * 8; ++length) {
    const Address wanted = MaskOf(length);
    if (std::equal(mask.begin(), mask.end(), wanted.begin(),
                   [](char a, uint8_t b) { return static_cast<uint8_t>(a) == b; })) {
      return length;
    }
  }
  return std::nullopt;
}

}  // namespace

void Encode(const SubnetMatch& match, RuleBuilder& rule) {
  const Subnet& subnet = match.subnet;
  if (subnet.prefix_length == 0) return;  // every address
  const bool whole_bytes = subnet.prefix_length % 8 == 0;
  const auto length =
      static_cast<uint32_t>(whole_bytes ? subnet.prefix_length / 8 : AddressSize(subnet.family));
  rule.LoadPayload(NFT_PAYLOAD_NETWORK_HEADER, AddressOffset(subnet.family, match.destination), length);
  if (!whole_bytes) rule.Mask(MaskOf(subnet.prefix_length).data(), length);
  rule.CompareEqual(subnet.address.data(), length);
}

std::optional<Match> DecodeSubnet(Cursor& cursor, Family family) {
  const Expression* load = cursor.Peek();
  if (load == nullptr || !load->Is("payload") ||
      !load->NumberIs(NFTNL_EXPR_PAYLOAD_BASE, NFT_PAYLOAD_NETWORK_HEADER)) {
    return std::nullopt;
  }
  const bool destination = load->NumberIs(NFTNL_EXPR_PAYLOAD_OFFSET, AddressOffset(family, true));
  const size_t length = load->Number(NFTNL_EXPR_PAYLOAD_LEN).value_or(0);
  if ((!destination && !load->NumberIs(NFTNL_EXPR_PAYLOAD_OFFSET, AddressOffset(family, false))) ||
      length == 0 || length > AddressSize(family)) {
    return std::nullopt;
  }
  const auto comparison = ReadComparison(cursor, load->Number(NFTNL_EXPR_PAYLOAD_DREG).value_or(0));
  if (!comparison || comparison->value.size() != length) return std::nullopt;
  size_t prefix_length = length * 8;
  if (!comparison->mask.empty()) {
    if (comparison->mask.size() != length) return std::nullopt;
    const auto masked = PrefixLength(comparison->mask);
    if (!masked) return std::nullopt;
    prefix_length = *masked;
  }
  SubnetMatch match{destination, {family, {}, static_cast<uint8_t>(prefix_length)}};
  std::copy(comparison->value.begin(), comparison->value.end(), match.subnet.address.begin());
  // With a bit beyond the prefix, no address is equal.
  const Address mask = MaskOf(prefix_length);
  for (size_t i = 0; i < mask.size(); ++i) {
    if ((match.subnet.address[i] & ~mask[i]) != 0) return std::nullopt;
  }
  cursor.Take(comparison->expressions);
  return match;
}

}  // namespace sluice::nft
