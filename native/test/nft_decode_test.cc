// SPDX-License-Identifier: GPL-2.0-or-later
#include <arpa/inet.h>
#include <doctest/doctest.h>
#include <libnftnl/udata.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <netinet/in.h>

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "nft/port_set.h"
#include "nft/rule.h"
#include "nft/rule_builder.h"

// Encodings that no program of this distribution writes. What nft and iptables-nft write is in
// test/kernel/foreign-encodings.test.ts.

using sluice::Family;
using sluice::InstalledRule;
using sluice::OwnerMatch;
using sluice::PortRange;
using sluice::ProtocolMatch;
using sluice::RedirectVerdict;
using sluice::SubnetMatch;
using sluice::nft::DecodeRule;
using sluice::nft::HoldsPorts;
using sluice::nft::NewSet;
using sluice::nft::PortsOf;
using sluice::nft::RuleBuilder;
using sluice::nft::RuleHandle;
using sluice::nft::SetHandle;

namespace {

InstalledRule Read(RuleBuilder& builder, Family family = Family::kIpv4) {
  return DecodeRule({builder.Take()}, family, {});
}

void MatchProtocol(RuleBuilder& builder, uint8_t protocol) {
  builder.LoadMeta(NFT_META_L4PROTO);
  builder.CompareEqual(&protocol, sizeof(protocol));
}

// The last expression of the rule that the builder makes.
nftnl_expr* Append(const RuleHandle& rule, const char* name) {
  nftnl_expr* expression = nftnl_expr_alloc(name);
  nftnl_rule_add_expr(rule.get(), expression);
  return expression;
}

void LoadPort(const RuleHandle& rule, uint32_t into, uint16_t port) {
  const uint16_t wire = htons(port);
  nftnl_expr* immediate = Append(rule, "immediate");
  nftnl_expr_set_u32(immediate, NFTNL_EXPR_IMM_DREG, into);
  nftnl_expr_set(immediate, NFTNL_EXPR_IMM_DATA, &wire, sizeof(wire));
}

InstalledRule WithUserdata(std::string_view bytes) {
  RuleBuilder builder;
  builder.Verdict(NFT_RETURN);
  RuleHandle rule = builder.Take();
  nftnl_rule_set_data(rule.get(), NFTNL_RULE_USERDATA, bytes.data(), static_cast<uint32_t>(bytes.size()));
  return DecodeRule({std::move(rule)}, Family::kIpv4, {});
}

SetHandle PortSet(uint32_t flags, const std::vector<std::pair<uint16_t, bool>>& borders) {
  SetHandle set = NewSet();
  nftnl_set_set_u32(set.get(), NFTNL_SET_FLAGS, flags);
  nftnl_set_set_u32(set.get(), NFTNL_SET_KEY_TYPE, 13);
  nftnl_set_set_u32(set.get(), NFTNL_SET_KEY_LEN, 2);
  for (const auto& [port, end] : borders) {
    nftnl_set_elem* element = nftnl_set_elem_alloc();
    const uint16_t wire = htons(port);
    nftnl_set_elem_set(element, NFTNL_SET_ELEM_KEY, &wire, sizeof(wire));
    if (end) nftnl_set_elem_set_u32(element, NFTNL_SET_ELEM_FLAGS, NFT_SET_ELEM_INTERVAL_END);
    nftnl_set_elem_add(set.get(), element);
  }
  return set;
}

std::string Text(const std::vector<PortRange>& ports) {
  std::string text;
  for (const PortRange& range : ports) {
    text += (text.empty() ? "" : ",") + std::to_string(range.first) + "-" + std::to_string(range.last);
  }
  return text;
}

}  // namespace

TEST_CASE("the protocol from the header of IPv4, and the source before it: iptables-nft from 1.8.10 on") {
  constexpr uint8_t kTcp = IPPROTO_TCP;
  const uint8_t ten = 10;
  for (const Family family : sluice::kFamilies) {
    RuleBuilder builder;
    builder.LoadPayload(NFT_PAYLOAD_NETWORK_HEADER, family == Family::kIpv4 ? 12 : 8, 1);
    builder.CompareEqual(&ten, 1);
    builder.LoadPayload(NFT_PAYLOAD_NETWORK_HEADER, family == Family::kIpv4 ? 9 : 6, 1);
    builder.CompareEqual(&kTcp, 1);
    builder.Counter();
    builder.Verdict(NFT_RETURN);
    const InstalledRule rule = Read(builder, family);
    // The next header of IPv6 may be that of an extension.
    CHECK(rule.understood == (family == Family::kIpv4));
    if (!rule.understood) continue;
    REQUIRE(rule.matches.size() == 2);
    CHECK(std::get<ProtocolMatch>(rule.matches[0]).protocol == kTcp);
    CHECK(std::get<SubnetMatch>(rule.matches[1]).subnet.prefix_length == 8);
  }
}

TEST_CASE("two of a kind, and ports without a protocol, are not understood") {
  RuleBuilder two;
  MatchProtocol(two, IPPROTO_TCP);
  MatchProtocol(two, IPPROTO_UDP);
  two.Verdict(NFT_RETURN);
  CHECK_FALSE(Read(two).understood);

  RuleBuilder twice;
  MatchProtocol(twice, IPPROTO_TCP);
  MatchProtocol(twice, IPPROTO_TCP);
  twice.Verdict(NFT_RETURN);
  CHECK(Read(twice).matches.size() == 1);

  RuleBuilder ports;
  const uint16_t port = htons(80);
  ports.LoadPayload(NFT_PAYLOAD_TRANSPORT_HEADER, 2, 2);
  ports.CompareEqual(&port, sizeof(port));
  ports.Verdict(NFT_RETURN);
  CHECK_FALSE(Read(ports).understood);
}

TEST_CASE("an owner of another size than the kernel's is not understood") {
  for (const uint32_t length : {2U, 4U}) {
    RuleBuilder builder;
    const uint32_t uid = 2102;
    builder.LoadMeta(NFT_META_SKUID);
    builder.CompareEqual(&uid, length);
    builder.Verdict(NFT_RETURN);
    const InstalledRule rule = Read(builder);
    CHECK(rule.understood == (length == 4));
    if (rule.understood) CHECK(std::get<OwnerMatch>(rule.matches[0]).uid == 2102U);
  }
}

TEST_CASE("an interface by its index is lo, or not understood") {
  for (const uint32_t index : {1U, 2U}) {
    RuleBuilder builder;
    builder.LoadMeta(NFT_META_OIF);
    builder.CompareEqual(&index, sizeof(index));
    builder.Verdict(NFT_RETURN);
    CHECK(Read(builder).understood == (index == 1));
  }
}

TEST_CASE("a redirect to one port, of nft's own") {
  struct Case {
    uint32_t max_register;  // 0: none
    uint32_t flags;
    bool understood;
  };
  for (const Case& test : {Case{0, 0, true}, Case{NFT_REG_1, 2, true}, Case{NFT_REG_2, 2, false},
                           Case{NFT_REG_1, 2 | 4, false}}) {
    CAPTURE(test.max_register);
    CAPTURE(test.flags);
    RuleBuilder builder;
    RuleHandle rule = builder.Take();
    LoadPort(rule, NFT_REG_1, 4143);
    nftnl_expr* redirect = Append(rule, "redir");
    nftnl_expr_set_u32(redirect, NFTNL_EXPR_REDIR_REG_PROTO_MIN, NFT_REG_1);
    if (test.max_register != 0) {
      nftnl_expr_set_u32(redirect, NFTNL_EXPR_REDIR_REG_PROTO_MAX, test.max_register);
    }
    if (test.flags != 0) nftnl_expr_set_u32(redirect, NFTNL_EXPR_REDIR_FLAGS, test.flags);
    const InstalledRule read = DecodeRule({std::move(rule)}, Family::kIpv6, {});
    CHECK(read.understood == test.understood);
    if (read.understood) CHECK(std::get<RedirectVerdict>(read.verdict).port == 4143);
  }
}

TEST_CASE("an address with bits beyond its prefix equals none: not understood") {
  for (const uint8_t last : {0, 1}) {
    const std::array<uint8_t, 4> mask = {255, 128, 0, 0};
    const std::array<uint8_t, 4> address = {10, 128, 0, last};
    RuleBuilder builder;
    builder.LoadPayload(NFT_PAYLOAD_NETWORK_HEADER, 12, 4);
    builder.Mask(mask.data(), 4);
    builder.CompareEqual(address.data(), 4);
    builder.Verdict(NFT_RETURN);
    CHECK(Read(builder).understood == (last == 0));
  }
}

TEST_CASE("a rule of which libnftnl knows only the start is not understood, and says so") {
  RuleBuilder builder;
  builder.Verdict(NFT_RETURN);
  const InstalledRule rule = DecodeRule({builder.Take(), false}, Family::kIpv4, {});
  CHECK_FALSE(rule.understood);
  REQUIRE(rule.expressions.size() == 2);
  CHECK(rule.expressions[0] == "immediate");
}

TEST_CASE("comments in the userdata, whole or broken") {
  using namespace std::string_view_literals;
  CHECK(WithUserdata("\x00\x03hi\x00"sv).comment == "hi");
  CHECK(WithUserdata("\x00\x02hi"sv).comment == "hi");
  CHECK(WithUserdata("\x01\x01x\x00\x03hi\x00"sv).comment == "hi");
  CHECK(WithUserdata("\x00\x09hi"sv).comment.empty());
  CHECK(WithUserdata("\x00"sv).comment.empty());
  CHECK(WithUserdata("\x05\xff"sv).comment.empty());
  CHECK(WithUserdata(""sv).comment.empty());
}

TEST_CASE("the elements of a set of ports, in whatever order the kernel lists them") {
  CHECK(Text(PortsOf(PortSet(0, {{443, false}, {22, false}}).get())) == "22-22,443-443");
  const auto intervals = [](const std::vector<std::pair<uint16_t, bool>>& borders) {
    return Text(PortsOf(PortSet(NFT_SET_INTERVAL, borders).get()));
  };
  CHECK(intervals({{444, true}, {443, false}, {91, true}, {80, false}, {0, true}}) == "80-90,443-443");
  CHECK(intervals({{0, false}, {10, true}, {65000, false}}) == "0-9,65000-65535");
  CHECK(intervals({{20, false}, {20, true}, {10, false}, {30, true}}) == "10-19,20-29");
  CHECK(intervals({}).empty());
}

TEST_CASE("a set of anything else is no set of ports") {
  CHECK(HoldsPorts(PortSet(NFT_SET_ANONYMOUS | NFT_SET_CONSTANT | NFT_SET_INTERVAL, {}).get()));
  CHECK(HoldsPorts(PortSet(0, {}).get()));
  for (const uint32_t flag : {NFT_SET_MAP, NFT_SET_TIMEOUT, NFT_SET_EVAL, NFT_SET_OBJECT}) {
    CHECK_FALSE(HoldsPorts(PortSet(flag, {}).get()));
  }
  const SetHandle addresses = PortSet(0, {});
  nftnl_set_set_u32(addresses.get(), NFTNL_SET_KEY_TYPE, 7);
  CHECK_FALSE(HoldsPorts(addresses.get()));
  CHECK_FALSE(HoldsPorts(NewSet().get()));
}
