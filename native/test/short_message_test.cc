// SPDX-License-Identifier: GPL-2.0-or-later
#include <doctest/doctest.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>

#include <cstring>
#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

#include "nft/attribute.h"
#include "nft/request.h"
#include "nft/state.h"
#include "nftables/interval_set.h"

// Messages of nf_tables that hold less than they have to. What was found by native/fuzz/nft_dump.cc, or could
// have been: each is a read behind the end, or a null pointer, without its check.

namespace {

// Exactly as many bytes as it has, so that AddressSanitizer sees a read behind the end.
std::vector<char> Message(std::string_view payload, uint16_t type = 0) {
  std::vector<char> bytes(NLMSG_HDRLEN + payload.size());
  nlmsghdr header{};
  header.nlmsg_len = static_cast<uint32_t>(bytes.size());
  header.nlmsg_type = static_cast<uint16_t>((NFNL_SUBSYS_NFTABLES << 8) | type);
  memcpy(bytes.data(), &header, sizeof(header));
  if (!payload.empty()) memcpy(bytes.data() + NLMSG_HDRLEN, payload.data(), payload.size());
  return bytes;
}

const nlmsghdr* In(const std::vector<char>& bytes) { return reinterpret_cast<const nlmsghdr*>(bytes.data()); }

// With the header of nfnetlink, and one attribute that is not padded.
std::vector<char> WithAttribute(uint16_t type, std::string_view content) {
  std::string payload(sizeof(nfgenmsg), '\0');
  const nlattr attribute{static_cast<uint16_t>(NLA_HDRLEN + content.size()), type};
  payload.append(reinterpret_cast<const char*>(&attribute), sizeof(attribute)).append(content);
  return Message(payload);
}

}  // namespace

TEST_CASE("a message without the header of nfnetlink says nothing") {
  for (const size_t length : {0U, 1U, 3U}) {
    const std::vector<char> bytes = Message(std::string(length, '\x08'));
    CHECK(sluice::nft::GenerationOf(In(bytes)) == 0);
    CHECK(sluice::nft::TableNameIn(In(bytes)).empty());
    CHECK(sluice::nft::ExpressionAt(In(bytes), 20).empty());
    std::vector<sluice::nft::Border> borders;
    CHECK(sluice::nftables::ReadBorders(In(bytes), sluice::SetType::kPorts, borders));
    CHECK(borders.empty());
  }
}

TEST_CASE("a number that is too short, and a name without its end") {
  CHECK(sluice::nft::GenerationOf(In(WithAttribute(NFTA_GEN_ID, ""))) == 0);
  CHECK(sluice::nft::GenerationOf(In(WithAttribute(NFTA_GEN_ID, "ab"))) == 0);
  CHECK(sluice::nft::TableNameIn(In(WithAttribute(NFTA_RULE_TABLE, "nat"))) == "nat");
  CHECK(sluice::nft::TableNameIn(In(WithAttribute(NFTA_RULE_TABLE, ""))).empty());
}

TEST_CASE("a chain without a name") {
  const std::string payload(sizeof(nfgenmsg), '\0');
  CHECK(sluice::nft::ChainOf(In(Message(payload, NFT_MSG_NEWCHAIN))).name.empty());
}

TEST_CASE("a message of another kind than was asked for") {
  // The number of a generation stands where a rule and a chain have the name of their table.
  std::vector<char> bytes = WithAttribute(NFTA_GEN_ID, "abcd");
  reinterpret_cast<nlmsghdr*>(bytes.data())->nlmsg_type = (NFNL_SUBSYS_NFTABLES << 8) | NFT_MSG_NEWGEN;
  CHECK_FALSE(sluice::nft::RuleOf(In(bytes)).whole);
  CHECK(sluice::nft::ChainOf(In(bytes)).name.empty());
  CHECK(sluice::nft::TableFlagsOf(In(bytes)) == 0);
}

TEST_CASE("a message that ends behind what was received") {
  std::vector<char> bytes = Message("abcd");
  auto* header = reinterpret_cast<nlmsghdr*>(bytes.data());
  CHECK(sluice::nft::IsWhole(header, static_cast<int>(bytes.size())));
  for (const uint32_t length : {0U, 15U, 21U, 0x7fffffffU, 0x80000000U, 0xffffffffU}) {
    header->nlmsg_len = length;
    CHECK_FALSE(sluice::nft::IsWhole(header, static_cast<int>(bytes.size())));
  }
}
