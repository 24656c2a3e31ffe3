// SPDX-License-Identifier: GPL-2.0-or-later
#include <doctest/doctest.h>

#include <cstring>
#include <string>
#include <utility>
#include <vector>

#include "core/error.h"
#include "legacy/entry.h"
#include "legacy/family.h"

// Entries of ip_tables in memory: what is encoded is decoded to the same, and what the kernel could not hold
// does no harm. That they are iptables-legacy's own is shown in test/kernel/fixtures.test.ts.

using sluice::Family;
using sluice::InstalledRule;
using sluice::Match;
using sluice::Rule;
using sluice::Verdict;
using sluice::legacy::DecodeEntry;
using sluice::legacy::EncodedEntry;
using sluice::legacy::EncodeEntry;
using sluice::legacy::EntryView;
using sluice::legacy::JumpTarget;
using sluice::legacy::SameEntry;

namespace {

Rule Make(std::vector<Match> matches, Verdict verdict, std::string comment = "") {
  return {{true, true}, std::move(matches), std::move(verdict), std::move(comment)};
}

// As it stands in a table that was read: verdicts and chains have no name in the entry.
struct Stored {
  explicit Stored(const Rule& rule, Family family = Family::kIpv4) : entry(EncodeEntry(rule, family)) {
    auto& target = *reinterpret_cast<xt_entry_target*>(&entry[TargetOffset(family)]);
    view = {entry.data(), std::string(target.u.user.name)};
    if (view.target != "REDIRECT") memset(target.u.user.name, 0, sizeof(target.u.user.name));
  }

  size_t TargetOffset(Family family) const {
    return family == Family::kIpv4 ? reinterpret_cast<const ipt_entry*>(entry.data())->target_offset
                                   : reinterpret_cast<const ip6t_entry*>(entry.data())->target_offset;
  }
  ipt_entry& Ipv4() { return *reinterpret_cast<ipt_entry*>(entry.data()); }
  InstalledRule Read(Family family = Family::kIpv4) const { return DecodeEntry(view, family); }

  EncodedEntry entry;
  EntryView view;
};

const Match kTcp = sluice::ProtocolMatch{IPPROTO_TCP};
const Rule kPlain = Make({kTcp}, sluice::ReturnVerdict{});

}  // namespace

TEST_CASE("the sizes that the kernel expects") {
  const Stored plain(kPlain);
  CHECK(plain.entry.size() == 112 + 40);
  const Stored redirect(Make({kTcp}, sluice::RedirectVerdict{4143}, "x"));
  CHECK(redirect.entry.size() == 112 + (32 + 256) + 56);
  const Stored six(Make({kTcp}, sluice::RedirectVerdict{4143}), Family::kIpv6);
  CHECK(six.entry.size() == 168 + 72);
}

TEST_CASE("an entry is the same as itself, and as no other; counters and the ends of names do not matter") {
  for (const Family family : sluice::kFamilies) {
    const std::vector<Rule> rules = {
        kPlain,
        Make({}, sluice::ReturnVerdict{}),
        Make({kTcp}, sluice::AcceptVerdict{}),
        Make({kTcp}, sluice::JumpVerdict{"OURS"}),
        Make({kTcp}, sluice::RedirectVerdict{4143}),
        Make({kTcp}, sluice::RedirectVerdict{4140}),
        Make({kTcp}, sluice::ReturnVerdict{}, "a"),
        Make({kTcp, sluice::OwnerMatch{7, std::nullopt}}, sluice::ReturnVerdict{}),
        Make({kTcp, sluice::OwnerMatch{std::nullopt, 7}}, sluice::ReturnVerdict{}),
        Make({kTcp, sluice::DestinationPortMatch{{80, 80}}}, sluice::ReturnVerdict{}),
        Make({kTcp, sluice::MultiportMatch{{{80, 80}}}}, sluice::ReturnVerdict{}),
        Make({sluice::InterfaceMatch{true, "lo"}}, sluice::ReturnVerdict{}),
        Make({sluice::InterfaceMatch{true, "lo+"}}, sluice::ReturnVerdict{}),
        Make({sluice::InterfaceMatch{false, "lo"}}, sluice::ReturnVerdict{}),
    };
    for (size_t i = 0; i < rules.size(); ++i) {
      for (size_t j = 0; j < rules.size(); ++j) {
        CAPTURE(i);
        CAPTURE(j);
        Stored stored(rules[j], family);
        CHECK(SameEntry(EncodeEntry(rules[i], family), stored.view, family) == (i == j));
      }
    }
  }
  Stored counted(Make({kTcp}, sluice::RedirectVerdict{4143}, "x"));
  counted.Ipv4().counters = {5, 6};
  counted.Ipv4().comefrom = 9;
  counted.Ipv4().nfcache = 1;
  // What libiptc's memory held where the kernel wrote no more of the name.
  auto& target = *reinterpret_cast<xt_entry_target*>(&counted.entry[counted.TargetOffset(Family::kIpv4)]);
  memset(target.u.user.name + sizeof("REDIRECT"), 0x5a, 8);
  const Rule wanted = Make({kTcp}, sluice::RedirectVerdict{4143}, "x");
  CHECK(SameEntry(EncodeEntry(wanted, Family::kIpv4), counted.view, Family::kIpv4));
  REQUIRE(counted.Read().counters);
  CHECK(counted.Read().counters->packets == 5);
}

TEST_CASE("what the header says beyond the rule model is not understood") {
  CHECK(Stored(kPlain).Read().understood);
  const auto changed = [](void (*change)(ipt_entry&)) {
    Stored stored(Make({kTcp, sluice::InterfaceMatch{true, "lo"}}, sluice::ReturnVerdict{}));
    change(stored.Ipv4());
    return stored.Read().understood;
  };
  CHECK(changed([](ipt_entry&) {}));
  CHECK_FALSE(changed([](ipt_entry& entry) { entry.ip.invflags = IPT_INV_SRCIP; }));
  CHECK_FALSE(changed([](ipt_entry& entry) { entry.ip.flags = IPT_F_FRAG; }));
  CHECK_FALSE(changed([](ipt_entry& entry) { entry.ip.proto = IPPROTO_ICMP; }));
  CHECK_FALSE(changed([](ipt_entry& entry) { entry.ip.smsk.s_addr = htonl(0xff00ff00); }));
  CHECK_FALSE(changed([](ipt_entry& entry) { entry.ip.src.s_addr = htonl(0x0a000001); }));
  CHECK_FALSE(changed([](ipt_entry& entry) { entry.ip.outiface_mask[9] = 0xff; }));
  CHECK_FALSE(changed([](ipt_entry& entry) { entry.ip.outiface_mask[0] = 0x0f; }));
  CHECK_FALSE(changed([](ipt_entry& entry) { memset(entry.ip.outiface_mask + 1, 0, 2); }));
  // A name that fills its field, with no NUL.
  CHECK(changed([](ipt_entry& entry) {
    memset(entry.ip.outiface, 'x', IFNAMSIZ);
    memset(entry.ip.outiface_mask, 0xff, IFNAMSIZ);
  }));
}

TEST_CASE("jumps and gotos have a chain, verdicts and modules have none") {
  CHECK(JumpTarget(Stored(Make({}, sluice::JumpVerdict{"OURS"})).view, Family::kIpv4) == "OURS");
  CHECK(JumpTarget(Stored(kPlain).view, Family::kIpv4).empty());
  CHECK(JumpTarget(Stored(Make({kTcp}, sluice::RedirectVerdict{1})).view, Family::kIpv4).empty());
  Stored going(Make({}, sluice::JumpVerdict{"OURS"}));
  going.Ipv4().ip.flags = IPT_F_GOTO;
  CHECK(JumpTarget(going.view, Family::kIpv4) == "OURS");
  CHECK_FALSE(going.Read().understood);
  for (const char* verdict : {"DROP", "QUEUE", ""}) {
    Stored other(kPlain);
    other.view.target = verdict;
    CHECK_FALSE(other.Read().understood);
    CHECK(JumpTarget(other.view, Family::kIpv4).empty());
  }
}

TEST_CASE("sizes that contradict one another do no harm") {
  const auto understood = [](void (*change)(ipt_entry&)) {
    Stored stored(Make({kTcp, sluice::OwnerMatch{7, 8}}, sluice::RedirectVerdict{4143}, "x"));
    change(stored.Ipv4());
    return stored.Read().understood;
  };
  CHECK(understood([](ipt_entry&) {}));
  CHECK_FALSE(understood([](ipt_entry& entry) { entry.target_offset = 0xffff; }));
  CHECK_FALSE(understood([](ipt_entry& entry) { entry.target_offset = 0; }));
  CHECK_FALSE(understood([](ipt_entry& entry) { entry.next_offset = entry.target_offset; }));
  CHECK_FALSE(understood([](ipt_entry& entry) { entry.next_offset = 0; }));
  for (const uint16_t size : {0, 1, 31, 33, 0xffff}) {
    Stored stored(Make({kTcp, sluice::OwnerMatch{7, 8}}, sluice::RedirectVerdict{4143}, "x"));
    reinterpret_cast<xt_entry_match*>(stored.Ipv4().elems)->u.match_size = size;
    CAPTURE(size);
    CHECK_FALSE(stored.Read().understood);
  }
}

TEST_CASE("a match that only nftables has is an error, not an entry that matches everything") {
  for (const Match& match : {Match(sluice::NewConnectionMatch{}), Match(sluice::PortSetMatch{"ports"}),
                             Match(sluice::AddressSetMatch{true, Family::kIpv4, "four"})}) {
    CHECK_THROWS_AS(EncodeEntry(Make({kTcp, match}, sluice::ReturnVerdict{}), Family::kIpv4), sluice::Error);
  }
}
