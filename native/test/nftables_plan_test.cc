// SPDX-License-Identifier: GPL-2.0-or-later
#include <arpa/inet.h>
#include <doctest/doctest.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <netinet/in.h>

#include <algorithm>
#include <map>
#include <string>
#include <utility>

#include "core/error.h"
#include "nft/attribute.h"
#include "nftables/entrance.h"
#include "nftables/interval_set.h"
#include "nftables/plan.h"
#include "nftables/rule.h"

// What is sent for what is there, in memory: nothing reaches the kernel.

namespace sluice::nftables {
namespace {

using nft::Batch;
using nft::Connection;

using Messages = std::vector<std::string>;

std::string NameOf(uint16_t type) {
  static const std::map<uint16_t, std::string> kNames = {
      {NFT_MSG_NEWTABLE, "table"}, {NFT_MSG_DELTABLE, "-table"},     {NFT_MSG_NEWSET, "set"},
      {NFT_MSG_DELSET, "-set"},    {NFT_MSG_NEWSETELEM, "elements"}, {NFT_MSG_DELSETELEM, "-elements"},
      {NFT_MSG_NEWCHAIN, "chain"}, {NFT_MSG_DELCHAIN, "-chain"},     {NFT_MSG_NEWRULE, "rule"},
      {NFT_MSG_DELRULE, "-rule"},
  };
  return kNames.at(type & 0xff);
}

// "rule inbound before 3": its kind, the name of what it is about, and handles.
std::string Describe(const nlmsghdr* message) {
  std::string text = NameOf(message->nlmsg_type);
  const bool rule = text == "rule" || text == "-rule";
  const bool table = text == "table" || text == "-table";
  const uint16_t name = text == "chain" || text == "-chain" ? uint16_t{NFTA_CHAIN_NAME} : uint16_t{2};
  nft::ForEachAttribute(static_cast<const char*>(mnl_nlmsg_get_payload(message)) + sizeof(nfgenmsg),
                        mnl_nlmsg_get_payload_len(message) - sizeof(nfgenmsg), [&](const nlattr* attribute) {
                          const uint16_t type = mnl_attr_get_type(attribute);
                          if (!table && type == name) text += std::string(" ") + mnl_attr_get_str(attribute);
                          if (!rule) return;
                          const bool handle = type == NFTA_RULE_HANDLE;
                          if (!handle && type != NFTA_RULE_POSITION) return;
                          text += (handle ? " " : " before ") +
                                  std::to_string(be64toh(mnl_attr_get_u64(attribute)));
                        });
  return text;
}

Messages Sent(const Batch& batch) {
  Messages sent;
  const std::string_view bytes = batch.messages();
  int left = static_cast<int>(bytes.size());
  const auto* message = reinterpret_cast<const nlmsghdr*>(bytes.data());
  for (; mnl_nlmsg_ok(message, left); message = mnl_nlmsg_next(message, &left)) {
    if (message->nlmsg_type != NFNL_MSG_BATCH_BEGIN) sent.push_back(Describe(message));
  }
  return sent;
}

Interval Ports(uint8_t first, uint8_t last) { return {{0, first}, {0, last}}; }

Rule Uid(uint32_t uid) { return {{true, true}, {OwnerMatch{uid, {}}}, ReturnVerdict{}, std::to_string(uid)}; }

const Rule kJump{{true, true}, {ProtocolMatch{IPPROTO_TCP}}, JumpVerdict{"inbound"}, "in"};

Ruleset Wants(const std::vector<uint32_t>& uids) {
  Ruleset ruleset{};
  ruleset.mode = Mode::kNftables;
  ruleset.tables = {{std::nullopt, "sluice"}};
  ruleset.sets = {{"ports", SetType::kPorts, {Ports(1, 2), Ports(5, 5)}}};
  ruleset.base_chains = {{"prerouting", Hook::kPrerouting, -101, {kJump}},
                         {"output", Hook::kOutput, -101, {}}};
  Chain inbound{"inbound", {}};
  for (const uint32_t uid : uids) inbound.rules.push_back(Uid(uid));
  ruleset.chains = {inbound};
  ruleset.absent_chains = {"outbound"};
  return ruleset;
}

Ruleset Nothing() {
  Ruleset ruleset = Wants({});
  ruleset.sets.clear();
  ruleset.chains.clear();
  for (BaseChain& base : ruleset.base_chains) base.jumps.clear();
  ruleset.absent_chains = {"inbound", "outbound"};
  return ruleset;
}

const std::vector<Family> kBoth(kFamilies.begin(), kFamilies.end());

// As the kernel would hold it; handles count from 1 in the order of the chains.
State Holding(const Ruleset& ruleset, const std::vector<Family>& families = kBoth) {
  Wanted wanted = EncodeRuleset(ruleset, families);
  State state{7, {wanted.id, true, 0, {}, {}}, {}, false};
  uint64_t handle = 0;
  for (WantedChain& chain : wanted.chains) {
    nft::ChainState held;
    held.name = chain.name;
    if (chain.base != nullptr) {
      held.base_priority = chain.base->priority;
      held.hook = nft::HookNumber(chain.base->hook);
      held.type = "nat";
    }
    for (WantedRule& rule : chain.rules) {
      nftnl_rule_set_u64(rule.rule.get(), NFTNL_RULE_HANDLE, ++handle);
      held.rules.push_back({std::move(rule.rule)});
    }
    state.table.chains.emplace(chain.name, std::move(held));
  }
  for (const Set& set : wanted.sets) {
    state.sets[set.name] = {set.type, true, Leads(set.intervals), set.intervals};
  }
  return state;
}

Messages Plan(const Wanted& wanted, const State& state) {
  Connection connection;
  Batch batch(connection, state.generation);
  PlanTable(wanted, state, batch);
  return Sent(batch);
}

Messages Plan(const Ruleset& ruleset, const State& state) {
  return Plan(EncodeRuleset(ruleset, kBoth), state);
}

TEST_CASE("the first time everything is sent, the second nothing") {
  const State nothing{7, {{NFPROTO_INET, "sluice"}, false, 0, {}, {}}, {}, false};
  CHECK(Plan(Wants({1}), nothing) == Messages{"table", "set ports", "elements ports", "chain prerouting",
                                              "chain inbound", "rule prerouting", "rule inbound"});
  CHECK(Plan(Wants({1}), Holding(Wants({1}))).empty());
  const Ruleset none = Nothing();
  CHECK(Plan(none, nothing).empty());
  CHECK(Plan(none, Holding(Wants({1}))) == Messages{"-table"});
}

TEST_CASE("rules that stay are not touched; the jump has the handle 1, the rules those from 2 on") {
  const auto change = [](const std::vector<uint32_t>& from, const std::vector<uint32_t>& to) {
    return Plan(Wants(to), Holding(Wants(from)));
  };
  CHECK(change({10, 11}, {10, 11, 12}) == Messages{"rule inbound"});
  CHECK(change({10, 11}, {9, 10, 11}) == Messages{"rule inbound before 2"});
  CHECK(change({10, 11}, {10, 7, 8, 11}) == Messages{"rule inbound before 3", "rule inbound before 3"});
  CHECK(change({10, 11, 12}, {10, 12}) == Messages{"-rule inbound 3"});
  CHECK(change({10, 11, 12, 13}, {11, 20, 13, 21}) ==
        Messages{"-rule inbound 2", "-rule inbound 4", "rule inbound before 5", "rule inbound"});
  CHECK(change({10, 11, 12}, {11, 12, 10}) == Messages{"-rule inbound 2", "rule inbound"});
  CHECK(change({10, 10}, {10}) == Messages{"-rule inbound 3"});
  CHECK(change({10, 11}, {20, 21}) == Messages{"-rule inbound", "rule inbound", "rule inbound"});
  CHECK(change({10, 11}, {}) == Messages{"-rule inbound"});
}

TEST_CASE("of a set what differs is sent; a set that nobody looks up goes") {
  State state = Holding(Wants({1}));
  state.sets["ports"].intervals = {Ports(1, 2), Ports(6, 6)};
  state.sets["dropped"] = {SetType::kIpv6, true, false, {}};
  CHECK(Plan(Wants({1}), state) == Messages{"-elements ports", "elements ports", "-set dropped"});
  state.sets["ports"].plain = false;
  CHECK(Plan(Wants({1}), state) == Messages{"-elements ports", "elements ports", "-set dropped"});
}

TEST_CASE("a direction that goes: rules before their chain") {
  State state = Holding(Wants({1}));
  nft::ChainState outbound;
  outbound.name = "outbound";
  outbound.rules.push_back({EncodeRule(Uid(1), std::nullopt)});
  state.table.chains.emplace("outbound", std::move(outbound));
  CHECK(Plan(Wants({1}), state) == Messages{"-rule outbound", "-chain outbound"});
}

TEST_CASE("what others hold, or of another kind, is made anew with the table") {
  const size_t all = 8;
  const auto anew = [&](void (*change)(State&)) {
    State state = Holding(Wants({1}));
    change(state);
    const Messages sent = Plan(Wants({1}), state);
    return sent.size() == all && sent[0] == "-table" && sent[1] == "table";
  };
  CHECK_FALSE(anew([](State&) {}));
  CHECK(anew([](State& state) { state.table.flags = NFT_TABLE_F_DORMANT; }));
  CHECK(anew([](State& state) { state.others = true; }));
  CHECK(anew([](State& state) { state.table.chains["theirs"]; }));
  CHECK(anew([](State& state) { state.sets["map"]; }));
  CHECK(anew([](State& state) { state.sets["ports"].type = SetType::kIpv4; }));
  CHECK(anew([](State& state) { state.sets["ports"].type.reset(); }));
  CHECK(anew([](State& state) { state.table.chains["inbound"].base_priority = 0; }));
  CHECK(anew([](State& state) { state.table.chains["prerouting"].base_priority = -100; }));
  CHECK(anew([](State& state) { state.table.chains["prerouting"].policy_accept = false; }));
  CHECK(anew([](State& state) { state.table.chains["prerouting"].type = "filter"; }));
}

TEST_CASE("a table that another process owns is left alone") {
  State state = Holding(Wants({1}));
  state.table.flags = 2;
  try {
    Plan(Wants({1}), state);
    FAIL("no error");
  } catch (const Error& error) {
    CHECK(error.code == ErrorCode::kTableOwned);
    CHECK(error.table == "sluice");
  }
}

TEST_CASE("one family goes: the jumps are narrowed in their places, and the last one takes the table") {
  Wanted wanted = EncodeRuleset(Nothing(), {Family::kIpv4});
  wanted.others = {Family::kIpv6};
  const Messages narrowed = {"rule prerouting before 1", "-rule prerouting 1"};
  CHECK(Plan(wanted, Holding(Wants({1}))) == narrowed);
  CHECK(Plan(wanted, Holding(Wants({1}), {Family::kIpv6})).empty());
  CHECK(Plan(wanted, Holding(Wants({1}), {Family::kIpv4})) == Messages{"-table"});
  // A kernel without the other family has no packet for it.
  wanted.others.clear();
  CHECK(Plan(wanted, Holding(Wants({1}))) == Messages{"-table"});
}

TEST_CASE("the jumps say whom the table serves") {
  CHECK(EnteredFamilies(Holding(Wants({1})).table) == std::set<Family>(kBoth.begin(), kBoth.end()));
  for (const Family family : kFamilies) {
    CHECK(EnteredFamilies(Holding(Wants({1}), {family}).table) == std::set<Family>{family});
  }
  State state = Holding(Wants({1}));
  state.table.chains["prerouting"].rules.clear();
  CHECK(EnteredFamilies(state.table).empty());
}

TEST_CASE("elements are sent in messages that end where an interval does") {
  std::vector<Interval> intervals;
  for (uint16_t port = 1; port < 6000; port = static_cast<uint16_t>(port + 3)) {
    const std::array<uint8_t, 16> bytes = {static_cast<uint8_t>(port >> 8), static_cast<uint8_t>(port)};
    intervals.push_back({bytes, bytes});
  }
  std::vector<nft::Border> borders = BordersOf(intervals, SetType::kPorts);
  borders.insert(borders.begin(), LeadingBorder());
  Connection connection;
  Batch batch(connection, 1);
  batch.AddElements({nft::Subject::Kind::kSet, {NFPROTO_INET, "sluice"}, "", std::nullopt, "ports"},
                    SetType::kPorts, borders);
  const std::string_view bytes = batch.messages();
  int left = static_cast<int>(bytes.size());
  size_t messages = 0;
  std::vector<nft::Border> read;
  const auto* message = reinterpret_cast<const nlmsghdr*>(bytes.data());
  for (; mnl_nlmsg_ok(message, left); message = mnl_nlmsg_next(message, &left)) {
    if (message->nlmsg_type == NFNL_MSG_BATCH_BEGIN) continue;
    ++messages;
    CHECK(ReadBorders(message, SetType::kPorts, read));
    CHECK(read.back().end);
  }
  CHECK(messages > 2);
  CHECK(IntervalsOf(read, SetType::kPorts) == intervals);
}

}  // namespace
}  // namespace sluice::nftables
