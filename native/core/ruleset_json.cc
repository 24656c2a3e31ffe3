// SPDX-License-Identifier: GPL-2.0-or-later
#include "core/ruleset_json.h"

#include <arpa/inet.h>
#include <linux/netfilter/x_tables.h>
#include <linux/netfilter/xt_comment.h>
#include <linux/netfilter/xt_multiport.h>
#include <net/if.h>
#include <netinet/in.h>

#include <limits>
#include <type_traits>

#include "core/ruleset_json_sets.h"

namespace sluice {
namespace {

using json::Fail;
using json::Object;
using json::Place;
using json::Value;
using json::Writer;

// What iptables takes; nft takes longer ones.
constexpr size_t kLongestChainName = XT_EXTENSION_MAXNAMELEN - 1;
constexpr size_t kLongestTableName = XT_TABLE_MAXNAMELEN - 1;
constexpr size_t kLongestComment = XT_MAX_COMMENT_LEN - 1;
// More than any rule needs, and few enough for the room that a message has (Batch::Reserve).
constexpr rapidjson::SizeType kMostMatches = 16;
// (uid_t)-1 means "no user" (kernel, include/linux/uidgid.h).
constexpr int64_t kHighestId = std::numeric_limits<uint32_t>::max() - 1;

PortRange ReadPorts(const Value& value, const Place& place) {
  const Object object(value, place, {"first", "last"});
  const auto first = object.Integer("first", 0, 65535);
  const auto last = object.Integer("last", first, 65535);
  return {static_cast<uint16_t>(first), static_cast<uint16_t>(last)};
}

Subnet ReadSubnet(const Value& value, const Place& place) {
  const Object object(value, place, {"family", "address", "prefixLength"});
  Subnet subnet{ReadFamily(object.Required("family"), object.At("family")), {}, 0};
  const bool ipv4 = subnet.family == Family::kIpv4;
  const std::string text = object.String("address", INET6_ADDRSTRLEN);
  if (inet_pton(ipv4 ? AF_INET : AF_INET6, text.c_str(), subnet.address.data()) != 1) {
    Fail(object.At("address"), "not an address of its family");
  }
  const size_t bits = AddressSize(subnet.family) * 8;
  subnet.prefix_length = static_cast<uint8_t>(object.Integer("prefixLength", 0, static_cast<int64_t>(bits)));
  for (size_t bit = subnet.prefix_length; bit < bits; ++bit) {
    if ((subnet.address[bit / 8] & (0x80U >> (bit % 8))) != 0) {
      Fail(object.At("address"), "has host bits set");
    }
  }
  return subnet;
}

Match ReadMultiport(const Object& object) {
  MultiportMatch match;
  size_t slots = 0;
  const Place place = object.At("ports");
  json::ForEach(object.Required("ports"), place, [&](const Value& item, const Place& item_place) {
    match.ports.push_back(ReadPorts(item, item_place));
    slots += match.ports.back().first == match.ports.back().last ? 1 : 2;
  });
  if (slots == 0 || slots > XT_MULTI_PORTS) Fail(place, "takes 1 to 15 slots; a range takes two");
  return match;
}

Match ReadOwner(const Object& object, const Place& place) {
  OwnerMatch match;
  const auto id = [&](const char* key) -> std::optional<uint32_t> {
    if (object.Optional(key) == nullptr) return std::nullopt;
    return static_cast<uint32_t>(object.Integer(key, 0, kHighestId));
  };
  match.uid = id("uid");
  match.gid = id("gid");
  if (!match.uid && !match.gid) Fail(place, "neither uid nor gid");
  return match;
}

Match ReadProtocol(const Object& object) {
  const std::string name = object.String("protocol", 8);
  if (name == "tcp") return ProtocolMatch{IPPROTO_TCP};
  if (name == "udp") return ProtocolMatch{IPPROTO_UDP};
  Fail(object.At("protocol"), "neither tcp nor udp");
}

std::string ReadType(const Value& value, const Place& place) {
  if (!value.IsObject()) Fail(place, "not an object");
  const auto type = value.FindMember("type");
  if (type == value.MemberEnd()) Fail(place.Key("type"), "missing");
  return json::String(type->value, place.Key("type"), 32);
}

Match ReadMatch(const Value& value, const Place& place) {
  const std::string type = ReadType(value, place);
  if (type == "protocol") return ReadProtocol(Object(value, place, {"type", "protocol"}));
  if (type == "inInterface" || type == "outInterface") {
    const Object object(value, place, {"type", "name"});
    return InterfaceMatch{type == "outInterface",
                          json::Name(object.Required("name"), object.At("name"), IFNAMSIZ - 1)};
  }
  if (type == "source" || type == "destination") {
    const Object object(value, place, {"type", "subnet"});
    return SubnetMatch{type == "destination", ReadSubnet(object.Required("subnet"), object.At("subnet"))};
  }
  if (type == "destinationPort") {
    const Object object(value, place, {"type", "ports"});
    return DestinationPortMatch{ReadPorts(object.Required("ports"), object.At("ports"))};
  }
  if (type == "multiport") return ReadMultiport(Object(value, place, {"type", "ports"}));
  if (type == "owner") return ReadOwner(Object(value, place, {"type", "uid", "gid"}), place);
  if (type == "newConnection") {
    const Object object(value, place, {"type"});
    return NewConnectionMatch{};
  }
  if (type == "portSet") {
    const Object object(value, place, {"type", "set"});
    return PortSetMatch{ReadSetName(object.Required("set"), object.At("set"))};
  }
  if (type == "sourceSet" || type == "destinationSet") {
    const Object object(value, place, {"type", "family", "set"});
    return AddressSetMatch{type == "destinationSet",
                           ReadFamily(object.Required("family"), object.At("family")),
                           ReadSetName(object.Required("set"), object.At("set"))};
  }
  Fail(place.Key("type"), "unknown match");
}

Verdict ReadVerdict(const Value& value, const Place& place) {
  const std::string type = ReadType(value, place);
  if (type == "redirect") {
    return RedirectVerdict{
        static_cast<uint16_t>(Object(value, place, {"type", "port"}).Integer("port", 0, 65535))};
  }
  if (type == "jump") {
    const Object object(value, place, {"type", "chain"});
    return JumpVerdict{json::Name(object.Required("chain"), object.At("chain"), kLongestChainName)};
  }
  const Object object(value, place, {"type"});
  if (type == "return") return ReturnVerdict{};
  if (type == "accept") return AcceptVerdict{};
  Fail(place.Key("type"), "unknown verdict");
}

Rule ReadRule(const Value& value, const Place& place) {
  const Object object(value, place, {"families", "matches", "verdict", "comment"});
  Rule rule{{false, false},
            {},
            ReadVerdict(object.Required("verdict"), object.At("verdict")),
            object.String("comment", kLongestComment)};
  json::ForEach(object.Required("families"), object.At("families"),
                [&](const Value& item, const Place& item_place) {
                  rule.families[static_cast<size_t>(ReadFamily(item, item_place))] = true;
                });
  const Value& matches = object.Required("matches");
  if (matches.IsArray() && matches.Size() > kMostMatches) Fail(object.At("matches"), "more than 16");
  json::ForEach(matches, object.At("matches"), [&](const Value& item, const Place& item_place) {
    rule.matches.push_back(ReadMatch(item, item_place));
    const auto* subnet = std::get_if<SubnetMatch>(&rule.matches.back());
    if (subnet != nullptr && rule.In(Other(subnet->subnet.family))) {
      Fail(item_place, "a subnet of one family in a rule of the other");
    }
  });
  return rule;
}

std::vector<Rule> ReadRules(const Value& value, const Place& place) {
  std::vector<Rule> rules;
  if (value.IsArray()) rules.reserve(value.Size());
  json::ForEach(value, place, [&](const Value& item, const Place& item_place) {
    rules.push_back(ReadRule(item, item_place));
  });
  return rules;
}

BaseChain ReadBaseChain(const Value& value, const Place& place) {
  const Object object(value, place, {"name", "hook", "type", "priority", "jumps"});
  BaseChain chain{json::Name(object.Required("name"), object.At("name"), kLongestChainName),
                  Hook::kPrerouting,
                  static_cast<int32_t>(object.Integer("priority", std::numeric_limits<int32_t>::min(),
                                                      std::numeric_limits<int32_t>::max())),
                  ReadRules(object.Required("jumps"), object.At("jumps"))};
  const std::string hook = object.String("hook", 16);
  if (hook == "output") {
    chain.hook = Hook::kOutput;
  } else if (hook != "prerouting") {
    Fail(object.At("hook"), "neither prerouting nor output");
  }
  if (object.String("type", 8) != "nat") Fail(object.At("type"), "not nat");
  for (size_t i = 0; i < chain.jumps.size(); ++i) {
    if (!std::holds_alternative<JumpVerdict>(chain.jumps[i].verdict)) {
      Fail(object.At("jumps").Item(i), "not a jump");
    }
  }
  return chain;
}

void WritePorts(Writer& writer, const PortRange& ports) {
  writer.StartObject();
  writer.Key("first");
  writer.Uint(ports.first);
  writer.Key("last");
  writer.Uint(ports.last);
  writer.EndObject();
}

// Writes what stands behind "type" in a match.
struct MatchWriter {
  Writer& writer;

  void Type(const char* type) const {
    writer.Key("type");
    writer.String(type);
  }
  void operator()(const ProtocolMatch& match) const {
    Type("protocol");
    writer.Key("protocol");
    writer.String(match.protocol == IPPROTO_UDP ? "udp" : "tcp");
  }
  void operator()(const InterfaceMatch& match) const {
    Type(match.out ? "outInterface" : "inInterface");
    writer.Key("name");
    json::WriteText(writer, match.name);
  }
  void operator()(const SubnetMatch& match) const {
    Type(match.destination ? "destination" : "source");
    std::array<char, INET6_ADDRSTRLEN> text{};
    const bool ipv4 = match.subnet.family == Family::kIpv4;
    inet_ntop(ipv4 ? AF_INET : AF_INET6, match.subnet.address.data(), text.data(), text.size());
    writer.Key("subnet");
    writer.StartObject();
    writer.Key("family");
    writer.String(Name(match.subnet.family));
    writer.Key("address");
    writer.String(text.data());
    writer.Key("prefixLength");
    writer.Uint(match.subnet.prefix_length);
    writer.EndObject();
  }
  void operator()(const DestinationPortMatch& match) const {
    Type("destinationPort");
    writer.Key("ports");
    WritePorts(writer, match.ports);
  }
  void operator()(const MultiportMatch& match) const {
    Type("multiport");
    writer.Key("ports");
    writer.StartArray();
    for (const PortRange& ports : match.ports) WritePorts(writer, ports);
    writer.EndArray();
  }
  void operator()(const NewConnectionMatch&) const { Type("newConnection"); }
  void operator()(const PortSetMatch& match) const {
    Type("portSet");
    writer.Key("set");
    json::WriteText(writer, match.set);
  }
  void operator()(const AddressSetMatch& match) const {
    Type(match.destination ? "destinationSet" : "sourceSet");
    writer.Key("family");
    writer.String(Name(match.family));
    writer.Key("set");
    json::WriteText(writer, match.set);
  }
  void operator()(const OwnerMatch& match) const {
    Type("owner");
    if (match.uid) {
      writer.Key("uid");
      writer.Uint(*match.uid);
    }
    if (match.gid) {
      writer.Key("gid");
      writer.Uint(*match.gid);
    }
  }
};

void WriteVerdict(Writer& writer, const Verdict& verdict) {
  writer.StartObject();
  writer.Key("type");
  if (const auto* redirect = std::get_if<RedirectVerdict>(&verdict)) {
    writer.String("redirect");
    writer.Key("port");
    writer.Uint(redirect->port);
  } else if (const auto* jump = std::get_if<JumpVerdict>(&verdict)) {
    writer.String("jump");
    writer.Key("chain");
    json::WriteText(writer, jump->chain);
  } else {
    writer.String(std::holds_alternative<AcceptVerdict>(verdict) ? "accept" : "return");
  }
  writer.EndObject();
}

void WriteMatches(Writer& writer, const InstalledRule& rule) {
  writer.Key("matches");
  writer.StartArray();
  for (const Match& match : rule.matches) {
    writer.StartObject();
    std::visit(MatchWriter{writer}, match);
    writer.EndObject();
  }
  writer.EndArray();
  writer.Key("verdict");
  WriteVerdict(writer, rule.verdict);
}

void WriteExpressions(Writer& writer, const InstalledRule& rule) {
  writer.Key("matches");
  writer.Null();
  writer.Key("verdict");
  writer.Null();
  writer.Key("expressions");
  writer.StartArray();
  for (const std::string& expression : rule.expressions) json::WriteText(writer, expression);
  writer.EndArray();
}

void WriteRule(Writer& writer, const InstalledRule& rule) {
  writer.StartObject();
  writer.Key("own");
  writer.Bool(rule.own);
  if (rule.only) {
    writer.Key("only");
    writer.String(Name(*rule.only));
  }
  if (rule.understood) {
    WriteMatches(writer, rule);
  } else {
    WriteExpressions(writer, rule);
  }
  writer.Key("comment");
  json::WriteText(writer, rule.comment);
  writer.Key("counters");
  if (rule.counters) {
    writer.StartObject();
    writer.Key("packets");
    writer.Uint64(rule.counters->packets);
    writer.Key("bytes");
    writer.Uint64(rule.counters->bytes);
    writer.EndObject();
  } else {
    writer.Null();
  }
  writer.EndObject();
}

}  // namespace

Family ReadFamily(const Value& value, const Place& place) {
  const std::string name = json::String(value, place, 8);
  if (name == "ipv4") return Family::kIpv4;
  if (name == "ipv6") return Family::kIpv6;
  Fail(place, "neither ipv4 nor ipv6");
}

Table ReadTable(const Value& value, const Place& place) {
  const Object table(value, place, {"family", "name"});
  std::optional<Family> family;
  if (table.String("family", 8) != "inet") family = ReadFamily(table.Required("family"), table.At("family"));
  return {family, json::Name(table.Required("name"), table.At("name"), kLongestTableName)};
}

Ruleset ReadRuleset(const Value& value, const Place& place) {
  const Object object(value, place, {"mode", "tables", "sets", "baseChains", "chains", "absentChains"});
  Ruleset ruleset{};
  const std::string mode = object.String("mode", 16);
  if (mode == "nft") {
    ruleset.mode = Mode::kNft;
  } else if (mode == "legacy") {
    ruleset.mode = Mode::kLegacy;
  } else if (mode == "nftables") {
    ruleset.mode = Mode::kNftables;
  } else {
    Fail(object.At("mode"), "unknown mode");
  }
  json::ForEach(object.Required("tables"), object.At("tables"),
                [&](const Value& item, const Place& at) { ruleset.tables.push_back(ReadTable(item, at)); });
  json::ForEach(object.Required("sets"), object.At("sets"),
                [&](const Value& item, const Place& at) { ruleset.sets.push_back(ReadSet(item, at)); });
  json::ForEach(
      object.Required("baseChains"), object.At("baseChains"),
      [&](const Value& item, const Place& at) { ruleset.base_chains.push_back(ReadBaseChain(item, at)); });
  json::ForEach(object.Required("chains"), object.At("chains"), [&](const Value& item, const Place& at) {
    const Object chain(item, at, {"name", "rules"});
    ruleset.chains.push_back({json::Name(chain.Required("name"), chain.At("name"), kLongestChainName),
                              ReadRules(chain.Required("rules"), chain.At("rules"))});
  });
  json::ForEach(object.Required("absentChains"), object.At("absentChains"),
                [&](const Value& item, const Place& at) {
                  ruleset.absent_chains.push_back(json::Name(item, at, kLongestChainName));
                });
  return ruleset;
}

void WriteChain(Writer& writer, const InstalledChain& chain) {
  writer.StartObject();
  writer.Key("name");
  json::WriteText(writer, chain.name);
  if (chain.hook) {
    writer.Key("hook");
    writer.String(*chain.hook == Hook::kPrerouting ? "prerouting" : "output");
    writer.Key("policy");
    writer.String(chain.policy_accept ? "accept" : "drop");
  }
  writer.Key("rules");
  writer.StartArray();
  for (const InstalledRule& rule : chain.rules) WriteRule(writer, rule);
  writer.EndArray();
  writer.EndObject();
}

}  // namespace sluice
