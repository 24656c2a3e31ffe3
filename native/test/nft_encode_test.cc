// SPDX-License-Identifier: GPL-2.0-or-later
#include <doctest/doctest.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/xt_multiport.h>
#include <linux/netfilter/xt_owner.h>

#include <array>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "nft/attribute.h"
#include "nft/rule.h"
#include "nft/rule_builder.h"

// Recorded netlink bytes: what the kernel is sent for each match and verdict. That its state is then that of
// iptables-nft's own commands is shown in test/kernel/encoding.test.ts.

using sluice::Family;
using sluice::Match;
using sluice::Rule;
using sluice::Verdict;
using sluice::nft::DecodeRule;
using sluice::nft::EncodeRule;
using sluice::nft::RuleBuilder;

namespace {

// The expressions of a rule as they stand in a message, each a row of hexadecimal digits.
std::vector<std::string> Rows(const nftnl_rule* rule) {
  alignas(nlmsghdr) std::array<char, 4096> buffer{};
  nlmsghdr* message = mnl_nlmsg_put_header(buffer.data());
  nftnl_rule_nlmsg_build_payload(message, const_cast<nftnl_rule*>(rule));
  std::vector<std::string> rows;
  const auto add_row = [&](const nlattr* expression) {
    std::string row;
    const auto* bytes = static_cast<const unsigned char*>(mnl_attr_get_payload(expression));
    for (size_t i = 0; i < mnl_attr_get_payload_len(expression); ++i) {
      constexpr std::string_view kDigits = "0123456789abcdef";
      row += kDigits[bytes[i] >> 4U];
      row += kDigits[bytes[i] & 15U];
    }
    rows.push_back(row);
  };
  sluice::nft::ForEachAttribute(mnl_nlmsg_get_payload(message), mnl_nlmsg_get_payload_len(message),
                                [&](const nlattr* attribute) {
                                  if (mnl_attr_get_type(attribute) == NFTA_RULE_EXPRESSIONS) {
                                    sluice::nft::ForEachNested(attribute, add_row);
                                  }
                                });
  return rows;
}

Rule Make(std::vector<Match> matches, Verdict verdict, std::string comment = "") {
  return {{true, true}, std::move(matches), std::move(verdict), std::move(comment)};
}

// The expressions of the match alone, one behind the other: the counter and the verdict follow.
std::string MatchRow(const Match& match, Family family = Family::kIpv4) {
  const auto rows = Rows(EncodeRule(Make({match}, sluice::ReturnVerdict{}), family).get());
  std::string text;
  for (size_t i = 0; i + 2 < rows.size(); ++i) text += (i == 0 ? "" : " ") + rows[i];
  return text;
}

std::string VerdictRow(const Verdict& verdict, Family family) {
  return Rows(EncodeRule(Make({}, verdict), family).get()).back();
}

bool Understood(RuleBuilder& builder, Family family = Family::kIpv4) {
  builder.Counter();
  builder.Verdict(NFT_RETURN);
  return DecodeRule({builder.Take()}, family, {}).understood;
}

sluice::Subnet Net(std::array<uint8_t, 16> address, uint8_t prefix_length, Family family) {
  return {family, address, prefix_length};
}

}  // namespace

TEST_CASE("matches") {
  CHECK(MatchRow(sluice::ProtocolMatch{6}) ==
        "090001006d657461000000001400028008000200000000100800010000000001 08000100636d70002000028"
        "0080001000000000108000200000000000c0003800500010006000000");
  CHECK(MatchRow(sluice::InterfaceMatch{true, "lo"}) ==
        "090001006d657461000000001400028008000200000000070800010000000001 08000100636d70002000028"
        "0080001000000000108000200000000000c000380070001006c6f0000");
  CHECK(MatchRow(sluice::InterfaceMatch{false, "eth+"}) ==
        "090001006d657461000000001400028008000200000000060800010000000001 08000100636d70002000028"
        "0080001000000000108000200000000000c0003800700010065746800");
  CHECK(MatchRow(sluice::SubnetMatch{false, Net({10}, 8, Family::kIpv4)}) ==
        "0c0001007061796c6f6164002400028008000100000000010800020000000001080003000000000c08000400"
        "00000001 08000100636d700020000280080001000000000108000200000000000c000380050001000a00000"
        "0");
  CHECK(MatchRow(sluice::SubnetMatch{true, Net({172, 16}, 12, Family::kIpv4)}) ==
        "0c0001007061796c6f6164002400028008000100000000010800020000000001080003000000001008000400"
        "00000004 0c00010062697477697365003400028008000100000000010800020000000001080003000000000"
        "40c00048008000100fff000000c0005800800010000000000 08000100636d70002000028008000100000000"
        "0108000200000000000c00038008000100ac100000");
  CHECK(MatchRow(sluice::SubnetMatch{false, Net({0xfd}, 8, Family::kIpv6)}, Family::kIpv6) ==
        "0c0001007061796c6f6164002400028008000100000000010800020000000001080003000000000808000400"
        "00000001 08000100636d700020000280080001000000000108000200000000000c00038005000100fd00000"
        "0");
  CHECK(MatchRow(sluice::SubnetMatch{true, Net({}, 0, Family::kIpv4)}) == "");
  CHECK(MatchRow(sluice::DestinationPortMatch{{80, 80}}) ==
        "0c0001007061796c6f6164002400028008000100000000010800020000000002080003000000000208000400"
        "00000002 08000100636d700020000280080001000000000108000200000000000c000380060001000050000"
        "0");
  CHECK(MatchRow(sluice::DestinationPortMatch{{80, 90}}) ==
        "0c0001007061796c6f6164002400028008000100000000010800020000000002080003000000000208000400"
        "00000002 0a00010072616e67650000002c000280080001000000000108000200000000000c0003800600010"
        "0005000000c00048006000100005a0000");
  CHECK(MatchRow(sluice::MultiportMatch{{{80, 80}, {4567, 4568}}}) ==
        "0a0001006d61746368000000500002800e0001006d756c7469706f7274000000080002000000000134000300"
        "01035000d711d811000000000000000000000000000000000000000000000000000100000000000000000000"
        "00000000");
  CHECK(MatchRow(sluice::OwnerMatch{2102, {}}) ==
        "0a0001006d61746368000000340002800a0001006f776e657200000008000200000000011c00030036080000"
        "3608000000000000000000000100000000000000");
  CHECK(MatchRow(sluice::OwnerMatch{{}, 2102}) ==
        "0a0001006d61746368000000340002800a0001006f776e657200000008000200000000011c00030000000000"
        "0000000036080000360800000200000000000000");
}

TEST_CASE("verdicts") {
  CHECK(VerdictRow(sluice::ReturnVerdict{}, Family::kIpv4) ==
        "0e000100696d6d6564696174650000001c0002800800010000000000100002800c00028008000100fffffffb");
  CHECK(VerdictRow(sluice::AcceptVerdict{}, Family::kIpv4) ==
        "0e000100696d6d6564696174650000001c0002800800010000000000100002800c0002800800010000000001");
  CHECK(VerdictRow(sluice::JumpVerdict{"OURS"}, Family::kIpv6) ==
        "0e000100696d6d6564696174650000002800028008000100000000001c0002801800028008000100fffffffd"
        "090002004f55525300000000");
  CHECK(VerdictRow(sluice::RedirectVerdict{4143}, Family::kIpv4) ==
        "0b0001007461726765740000380002800d00010052454449524543540000000008000200000000001c000300"
        "01000000020000000000000000000000102f102f00000000");
  CHECK(VerdictRow(sluice::RedirectVerdict{4143}, Family::kIpv6) ==
        "0b0001007461726765740000480002800d00010052454449524543540000000008000200000000002c000300"
        "020000000000000000000000000000000000000000000000000000000000000000000000102f102f");
}

TEST_CASE("what is encoded is decoded again") {
  const std::vector<Match> matches = {sluice::InterfaceMatch{false, "eth+"},
                                      sluice::InterfaceMatch{true, "lo"},
                                      sluice::ProtocolMatch{17},
                                      sluice::DestinationPortMatch{{53, 54}},
                                      sluice::MultiportMatch{{{1, 1}, {2, 65535}}},
                                      sluice::OwnerMatch{0, 4294967294U}};
  for (const Family family : sluice::kFamilies) {
    sluice::nft::RuleHandle rule =
        EncodeRule(Make(matches, sluice::RedirectVerdict{4143}, "a comment"), family);
    const sluice::InstalledRule decoded = DecodeRule({std::move(rule)}, family, {});
    REQUIRE(decoded.understood);
    CHECK(decoded.comment == "a comment");
    CHECK(std::get<sluice::RedirectVerdict>(decoded.verdict).port == 4143);
    REQUIRE(decoded.matches.size() == matches.size());
    for (size_t i = 0; i < matches.size(); ++i) CHECK(decoded.matches[i].index() == matches[i].index());
    CHECK(std::get<sluice::InterfaceMatch>(decoded.matches[0]).name == "eth+");
    CHECK(std::get<sluice::MultiportMatch>(decoded.matches[4]).ports[1].last == 65535);
    CHECK(std::get<sluice::OwnerMatch>(decoded.matches[5]).gid == 4294967294U);
  }
}

TEST_CASE("what says something else is not understood") {
  const uint8_t tcp = 6;
  const auto refuses = [](const std::function<void(RuleBuilder&)>& build) {
    RuleBuilder builder;
    build(builder);
    return !Understood(builder);
  };
  CHECK_FALSE(refuses([&](RuleBuilder& rule) {
    rule.LoadMeta(NFT_META_L4PROTO);
    rule.CompareEqual(&tcp, 1);
  }));
  CHECK(refuses([&](RuleBuilder& rule) { rule.LoadMeta(NFT_META_L4PROTO); }));
  CHECK(refuses([&](RuleBuilder& rule) { rule.CompareEqual(&tcp, 1); }));
  CHECK(refuses([&](RuleBuilder& rule) {
    rule.LoadMeta(NFT_META_MARK);
    rule.CompareEqual(&tcp, 1);
  }));
  CHECK(refuses([&](RuleBuilder& rule) {  // a mask with a hole
    const uint32_t mask = 0xff00ff;
    rule.LoadPayload(NFT_PAYLOAD_NETWORK_HEADER, 12, 4);
    rule.Mask(&mask, 4);
    rule.CompareEqual(&mask, 4);
  }));
  CHECK(refuses([&](RuleBuilder& rule) {  // neither source nor destination
    const uint32_t address = 0;
    rule.LoadPayload(NFT_PAYLOAD_NETWORK_HEADER, 8, 4);
    rule.CompareEqual(&address, 4);
  }));
  CHECK(refuses([](RuleBuilder& rule) {
    xt_multiport_v1 info{};
    info.flags = XT_MULTIPORT_EITHER;
    info.count = 1;
    rule.XtMatch("multiport", 1, info);
  }));
  CHECK(refuses([](RuleBuilder& rule) {  // a range that has no end
    xt_multiport_v1 info{};
    info.flags = XT_MULTIPORT_DESTINATION;
    info.count = XT_MULTI_PORTS;
    info.pflags[XT_MULTI_PORTS - 1] = 1;
    rule.XtMatch("multiport", 1, info);
  }));
  CHECK(refuses([](RuleBuilder& rule) { rule.XtMatch("multiport", 1, uint64_t{}); }));
  CHECK(refuses([](RuleBuilder& rule) {
    xt_owner_match_info info{};
    info.match = XT_OWNER_UID;
    info.uid_max = 1;
    rule.XtMatch("owner", 1, info);
  }));
  CHECK(refuses([](RuleBuilder& rule) {
    xt_owner_match_info info{};
    info.match = info.invert = XT_OWNER_UID;
    rule.XtMatch("owner", 1, info);
  }));
  CHECK(refuses([](RuleBuilder& rule) { rule.XtMatch("owner", 0, xt_owner_match_info{}); }));
  CHECK(refuses([](RuleBuilder& rule) { rule.Verdict(NFT_RETURN); }));  // and one more behind it
}
