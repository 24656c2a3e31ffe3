// SPDX-License-Identifier: GPL-2.0-or-later
#include <arpa/inet.h>
#include <doctest/doctest.h>
#include <linux/netfilter/nf_tables.h>
#include <netinet/in.h>

#include <functional>
#include <string>

#include "nft/rule_builder.h"
#include "nftables/rule.h"

// Rules of the mode nftables in memory. What nft makes of them is in test/kernel/nftables.test.ts.

namespace sluice::nftables {
namespace {

using nft::RuleBuilder;

void Protocol(RuleBuilder& rule, uint8_t protocol) {
  rule.LoadMeta(NFT_META_L4PROTO);
  rule.CompareEqual(&protocol, sizeof(protocol));
}

void Port(RuleBuilder& rule) {
  const uint16_t port = htons(53);
  rule.LoadPayload(NFT_PAYLOAD_TRANSPORT_HEADER, 2, sizeof(port));
  rule.CompareEqual(&port, sizeof(port));
}

void PortInSet(RuleBuilder& rule) {
  rule.LoadPayload(NFT_PAYLOAD_TRANSPORT_HEADER, 2, sizeof(uint16_t));
  rule.Lookup("ports");
}

DecodedRule Decoded(const std::function<void(RuleBuilder&)>& build) {
  RuleBuilder builder;
  build(builder);
  builder.Counter();
  builder.Verdict(NFT_RETURN);
  return DecodeRule({builder.Take()});
}

bool Understood(const std::function<void(RuleBuilder&)>& build) { return Decoded(build).rule.understood; }

TEST_CASE("what is encoded is decoded again, with the family that it is for") {
  const std::vector<Match> matches = {
      ProtocolMatch{IPPROTO_TCP},   NewConnectionMatch{},           OwnerMatch{7, 8},
      InterfaceMatch{true, "eth+"}, DestinationPortMatch{{80, 90}}, PortSetMatch{"ports"}};
  const Rule both{{true, true}, matches, RedirectVerdict{4140}, std::string(253, 'c')};
  for (const std::optional<Family> only : {std::optional<Family>(), {Family::kIpv4}, {Family::kIpv6}}) {
    const DecodedRule decoded = DecodeRule({EncodeRule(both, only)});
    REQUIRE(decoded.rule.understood);
    CHECK(decoded.family == only);
    CHECK(decoded.rule.comment == both.comment);
    REQUIRE(decoded.rule.matches.size() == matches.size());
    for (size_t i = 0; i < matches.size(); ++i) CHECK(decoded.rule.matches[i].index() == matches[i].index());
    CHECK(std::get<OwnerMatch>(decoded.rule.matches[2]).gid == 8U);
  }
  const Rule six{{false, true}, {AddressSetMatch{true, Family::kIpv6, "six"}}, ReturnVerdict{}, ""};
  const DecodedRule decoded = DecodeRule({EncodeRule(six, std::nullopt)});
  CHECK(decoded.family == Family::kIpv6);
  CHECK(std::get<AddressSetMatch>(decoded.rule.matches.at(0)).destination);
}

TEST_CASE("ports are those of TCP, or not understood") {
  for (const auto& port : {Port, PortInSet}) {
    CHECK(Understood([&](RuleBuilder& rule) {
      Protocol(rule, IPPROTO_TCP);
      port(rule);
    }));
    CHECK_FALSE(Understood([&](RuleBuilder& rule) {
      Protocol(rule, IPPROTO_UDP);
      port(rule);
    }));
    CHECK_FALSE(Understood(port));
  }
  CHECK(Understood([](RuleBuilder& rule) { Protocol(rule, IPPROTO_UDP); }));
}

TEST_CASE("a map is not a set") {
  for (const bool map : {false, true}) {
    RuleBuilder builder;
    Protocol(builder, IPPROTO_TCP);
    builder.LoadPayload(NFT_PAYLOAD_TRANSPORT_HEADER, 2, sizeof(uint16_t));
    nft::RuleHandle rule = builder.Take();
    nftnl_expr* lookup = nftnl_expr_alloc("lookup");
    nftnl_expr_set_u32(lookup, NFTNL_EXPR_LOOKUP_SREG, NFT_REG_1);
    nftnl_expr_set_str(lookup, NFTNL_EXPR_LOOKUP_SET, "theirs");
    if (map) nftnl_expr_set_u32(lookup, NFTNL_EXPR_LOOKUP_DREG, NFT_REG_VERDICT);
    nftnl_rule_add_expr(rule.get(), lookup);
    nftnl_expr* verdict = nftnl_expr_alloc("immediate");
    nftnl_expr_set_u32(verdict, NFTNL_EXPR_IMM_DREG, NFT_REG_VERDICT);
    nftnl_expr_set_u32(verdict, NFTNL_EXPR_IMM_VERDICT, static_cast<uint32_t>(NFT_RETURN));
    nftnl_rule_add_expr(rule.get(), verdict);
    CHECK(DecodeRule({std::move(rule)}).rule.understood == !map);
  }
}

TEST_CASE("addresses are of the family that the rule is for, and not understood without one") {
  const auto address = [](RuleBuilder& rule) {
    rule.LoadPayload(NFT_PAYLOAD_NETWORK_HEADER, 16, 4);
    rule.Lookup("four");
  };
  CHECK_FALSE(Understood(address));
  const DecodedRule decoded = Decoded([&](RuleBuilder& rule) {
    const uint8_t ipv4 = 2;  // NFPROTO_IPV4
    rule.LoadMeta(NFT_META_NFPROTO);
    rule.CompareEqual(&ipv4, sizeof(ipv4));
    address(rule);
  });
  CHECK(decoded.rule.understood);
  CHECK(decoded.family == Family::kIpv4);
}

}  // namespace
}  // namespace sluice::nftables
