// SPDX-License-Identifier: GPL-2.0-or-later
#include <arpa/inet.h>
#include <doctest/doctest.h>
#include <endian.h>
#include <libnftnl/udata.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <netinet/in.h>

#include <array>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "nft/port_set.h"
#include "nft/rule.h"
#include "nft/rule_builder.h"
#include "nft/state.h"
#include "xtables/extension.h"

// Encodings that no program of this distribution writes. What nft and iptables-nft write is in
// test/kernel/foreign-encodings.test.ts.

using sluice::Family;
using sluice::InstalledRule;
using sluice::InterfaceMatch;
using sluice::OwnerMatch;
using sluice::PortRange;
using sluice::ProtocolMatch;
using sluice::RedirectVerdict;
using sluice::SubnetMatch;
using sluice::nft::DecodeRule;
using sluice::nft::HoldsPorts;
using sluice::nft::JumpTarget;
using sluice::nft::NewSet;
using sluice::nft::PortsOf;
using sluice::nft::RuleBuilder;
using sluice::nft::RuleHandle;
using sluice::nft::RuleOf;
using sluice::nft::SetHandle;
using sluice::nft::StoredRule;

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

TEST_CASE("the name of an interface: whole, the start of one, or none that an interface can have") {
  using namespace std::string_view_literals;
  struct Case {
    std::string_view compared;
    std::string_view name;  // empty: not understood
  };
  for (const Case& test : {
           Case{"lo\0"sv, "lo"},
           Case{"lo\0\0\0\0\0\0\0\0\0\0\0\0\0\0"sv, "lo"},
           Case{"eth"sv, "eth+"},
           Case{"eth+"sv, "eth++"},
           // Here '+' is a character of the name; there it stands for any ending.
           Case{"eth+\0"sv, ""},
           Case{"lo\0x"sv, ""},
           Case{"\0"sv, ""},
           Case{"fourteen-chars"sv, "fourteen-chars+"},
           // With its '+' no longer a name: iptables takes 15 characters.
           Case{"fifteen-charact"sv, ""},
           Case{"sixteen-characte"sv, ""},
       }) {
    CAPTURE(test.compared);
    RuleBuilder builder;
    builder.LoadMeta(NFT_META_OIFNAME);
    builder.CompareEqual(test.compared.data(), static_cast<uint32_t>(test.compared.size()));
    builder.Verdict(NFT_RETURN);
    const InstalledRule rule = Read(builder);
    CHECK(rule.understood == !test.name.empty());
    if (rule.understood) CHECK(std::get<InterfaceMatch>(rule.matches[0]).name == test.name);
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

TEST_CASE("a mask of another length than the address is not understood") {
  for (const uint32_t length : {2U, 4U, 16U, 32U}) {
    CAPTURE(length);
    const std::array<uint8_t, 4> address = {10, 0, 0, 0};
    std::array<uint8_t, 32> mask{};
    mask.fill(255);
    RuleBuilder builder;
    builder.LoadPayload(NFT_PAYLOAD_NETWORK_HEADER, 12, 4);
    RuleHandle rule = builder.Take();
    nftnl_expr* bitwise = Append(rule, "bitwise");
    nftnl_expr_set_u32(bitwise, NFTNL_EXPR_BITWISE_SREG, NFT_REG_1);
    nftnl_expr_set_u32(bitwise, NFTNL_EXPR_BITWISE_DREG, NFT_REG_1);
    nftnl_expr_set(bitwise, NFTNL_EXPR_BITWISE_MASK, mask.data(), length);
    nftnl_expr* cmp = Append(rule, "cmp");
    nftnl_expr_set_u32(cmp, NFTNL_EXPR_CMP_SREG, NFT_REG_1);
    nftnl_expr_set_u32(cmp, NFTNL_EXPR_CMP_OP, NFT_CMP_EQ);
    nftnl_expr_set(cmp, NFTNL_EXPR_CMP_DATA, address.data(), address.size());
    nftnl_expr* verdict = Append(rule, "immediate");
    nftnl_expr_set_u32(verdict, NFTNL_EXPR_IMM_DREG, NFT_REG_VERDICT);
    nftnl_expr_set_u32(verdict, NFTNL_EXPR_IMM_VERDICT, static_cast<uint32_t>(NFT_RETURN));
    CHECK(DecodeRule({std::move(rule)}, Family::kIpv4, {}).understood == (length == 4));
  }
}

TEST_CASE("a rule with an expression that libnftnl does not know is not understood, and keeps the rest") {
  std::vector<char> bytes(1024);
  nlmsghdr* message = nftnl_nlmsg_build_hdr(bytes.data(), NFT_MSG_NEWRULE, NFPROTO_IPV4, 0, 1);
  mnl_attr_put_u64(message, NFTA_RULE_HANDLE, htobe64(77));
  nlattr* expressions = mnl_attr_nest_start(message, NFTA_RULE_EXPRESSIONS);
  for (const char* name : {"notrack", "newer", "immediate"}) {
    nlattr* expression = mnl_attr_nest_start(message, NFTA_LIST_ELEM);
    mnl_attr_put_strz(message, NFTA_EXPR_NAME, name);
    mnl_attr_nest_end(message, mnl_attr_nest_start(message, NFTA_EXPR_DATA));
    mnl_attr_nest_end(message, expression);
  }
  mnl_attr_nest_end(message, expressions);
  mnl_attr_put(message, NFTA_RULE_USERDATA, 5, "\x00\x03hi");

  const StoredRule stored = RuleOf(message);
  CHECK_FALSE(stored.whole);
  CHECK(nftnl_rule_get_u64(stored.handle.get(), NFTNL_RULE_HANDLE) == 77);
  const InstalledRule rule = DecodeRule(stored, Family::kIpv4, {});
  CHECK_FALSE(rule.understood);
  CHECK(rule.expressions == std::vector<std::string>{"notrack", "one that this libnftnl does not know"});
  CHECK(rule.comment == "hi");
}

TEST_CASE("a comment is one, and not empty; of a rule that is not understood the first is told") {
  const auto with_comments = [](const std::vector<std::string>& comments) {
    RuleBuilder builder;
    for (const std::string& comment : comments) {
      builder.XtMatch(sluice::xtables::kComment, sluice::xtables::kCommentRevision,
                      sluice::xtables::EncodeComment(comment));
    }
    builder.Counter();
    builder.Verdict(NFT_RETURN);
    return Read(builder);
  };
  CHECK(with_comments({"one"}).understood);
  CHECK_FALSE(with_comments({""}).understood);
  const InstalledRule two = with_comments({"one", "two"});
  CHECK_FALSE(two.understood);
  CHECK(two.comment == "one");
  CHECK(two.expressions ==
        std::vector<std::string>{"match comment", "match comment", "counter", "immediate"});
  CHECK(two.counters.has_value());
}

TEST_CASE("a goto enters a chain as a jump does") {
  const auto target = [](int32_t code, const char* chain) {
    RuleBuilder builder;
    builder.Counter();
    builder.Verdict(code, chain);
    return JumpTarget(builder.Take().get());
  };
  CHECK(target(NFT_JUMP, "ours") == "ours");
  CHECK(target(NFT_GOTO, "ours") == "ours");
  CHECK(target(NFT_RETURN, nullptr).empty());
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

TEST_CASE("an element that says more than a port, or less: none of the set's") {
  const auto with = [](const std::function<void(nftnl_set_elem*)>& change) {
    const SetHandle set = PortSet(0, {{22, false}});
    nftnl_set_elem* element = nftnl_set_elem_alloc();
    const uint16_t wire = htons(80);
    nftnl_set_elem_set(element, NFTNL_SET_ELEM_KEY, &wire, sizeof(wire));
    change(element);
    nftnl_set_elem_add(set.get(), element);
    return Text(PortsOf(set.get()));
  };
  CHECK(with([](nftnl_set_elem*) {}) == "22-22,80-80");
  // nft's comment of an element.
  CHECK(with([](nftnl_set_elem* element) {
          nftnl_set_elem_set(element, NFTNL_SET_ELEM_USERDATA, "\x00\x02x", 4);
        }) == "22-22,80-80");
  CHECK(with([](nftnl_set_elem* catch_all) {
          nftnl_set_elem_unset(catch_all, NFTNL_SET_ELEM_KEY);
          nftnl_set_elem_set_u32(catch_all, NFTNL_SET_ELEM_FLAGS, 2);  // NFT_SET_ELEM_CATCHALL
        }).empty());
  CHECK(with([](nftnl_set_elem* element) { nftnl_set_elem_unset(element, NFTNL_SET_ELEM_KEY); }).empty());
  CHECK(with([](nftnl_set_elem* range) {
          const uint16_t last = htons(90);
          nftnl_set_elem_set(range, NFTNL_SET_ELEM_KEY_END, &last, sizeof(last));
        }).empty());
  CHECK(
      with([](nftnl_set_elem* ends) { nftnl_set_elem_set_u64(ends, NFTNL_SET_ELEM_TIMEOUT, 1000); }).empty());
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
