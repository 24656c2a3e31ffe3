// SPDX-License-Identifier: GPL-2.0-or-later
#include "nft/rule.h"

#include <linux/netfilter/nf_tables.h>

#include <algorithm>
#include <array>

#include "nft/expression.h"
#include "nft/match/match.h"
#include "nft/rule_builder.h"

namespace sluice::nft {
namespace {

// iptables-nft writes these first, in this order, whatever the order of the arguments (nft_ipv4_add,
// nft_ipv6_add); the others follow as given.
enum class Place { kInInterface, kOutInterface, kProtocol, kSource, kDestination, kExtension };
constexpr std::array kPlaces = {Place::kInInterface, Place::kOutInterface, Place::kProtocol,
                                Place::kSource,      Place::kDestination,  Place::kExtension};

Place PlaceOf(const Match& match) {
  if (const auto* interface = std::get_if<InterfaceMatch>(&match)) {
    return interface->out ? Place::kOutInterface : Place::kInInterface;
  }
  if (std::holds_alternative<ProtocolMatch>(match)) return Place::kProtocol;
  if (const auto* subnet = std::get_if<SubnetMatch>(&match)) {
    return subnet->destination ? Place::kDestination : Place::kSource;
  }
  return Place::kExtension;
}

std::optional<Match> DecodeMatch(Cursor& cursor, Family family, const PortSets& port_sets) {
  if (auto match = DecodeProtocol(cursor, family)) return match;
  if (auto match = DecodeInterface(cursor)) return match;
  if (auto match = DecodeSubnet(cursor, family)) return match;
  if (auto match = DecodePorts(cursor, port_sets)) return match;
  if (auto match = DecodeOwner(cursor)) return match;
  return DecodeExtension(cursor);
}

// What stands before the verdict: matches, comment and counter, in whatever order. False for a comment that
// the rule model has no words for: an empty one, or a second.
bool DecodeConditions(Cursor& cursor, Family family, const PortSets& port_sets, InstalledRule& rule) {
  for (;;) {
    if (auto match = DecodeMatch(cursor, family, port_sets)) {
      rule.matches.push_back(std::move(*match));
    } else if (auto comment = DecodeComment(cursor)) {
      if (comment->empty() || !rule.comment.empty()) return false;
      rule.comment = std::move(*comment);
    } else if (const Expression* next = cursor.Peek(); next != nullptr && next->Is("counter")) {
      cursor.Take();
    } else {
      return true;
    }
  }
}

// Sorts the matches as iptables writes them. False when they say more than a rule can in that form: two
// addresses, interfaces or protocols, or ports without the protocol that they are of.
bool Arrange(std::vector<Match>& matches) {
  // iptables writes nothing for every address.
  const auto every_address = [](const Match& match) {
    const auto* subnet = std::get_if<SubnetMatch>(&match);
    return subnet != nullptr && subnet->subnet.prefix_length == 0;
  };
  matches.erase(std::remove_if(matches.begin(), matches.end(), every_address), matches.end());
  std::stable_sort(matches.begin(), matches.end(),
                   [](const Match& a, const Match& b) { return PlaceOf(a) < PlaceOf(b); });
  // nft's `ip protocol tcp tcp dport 80` says it twice.
  const auto same_protocol = [](const Match& a, const Match& b) {
    const auto* first = std::get_if<ProtocolMatch>(&a);
    const auto* second = std::get_if<ProtocolMatch>(&b);
    return first != nullptr && second != nullptr && first->protocol == second->protocol;
  };
  matches.erase(std::unique(matches.begin(), matches.end(), same_protocol), matches.end());
  const auto two_of_a_kind = [](const Match& a, const Match& b) {
    return PlaceOf(a) == PlaceOf(b) && PlaceOf(a) != Place::kExtension;
  };
  if (std::adjacent_find(matches.begin(), matches.end(), two_of_a_kind) != matches.end()) return false;
  const auto holds = [&](Place place) {
    return std::any_of(matches.begin(), matches.end(),
                       [&](const Match& match) { return PlaceOf(match) == place; });
  };
  const bool ports = std::any_of(matches.begin(), matches.end(), [](const Match& match) {
    return std::holds_alternative<DestinationPortMatch>(match) ||
           std::holds_alternative<MultiportMatch>(match);
  });
  return !ports || holds(Place::kProtocol);
}

// Reads the whole rule; false when something in it is not understood.
bool Decode(Cursor& cursor, Family family, const PortSets& port_sets, InstalledRule& rule) {
  if (!DecodeConditions(cursor, family, port_sets, rule) || !Arrange(rule.matches)) return false;
  auto verdict = DecodeVerdict(cursor, family);
  if (!verdict || !cursor.AtEnd()) return false;
  rule.verdict = std::move(*verdict);
  return true;
}

// What can be said of a rule that is not understood.
void Describe(const std::vector<Expression>& expressions, InstalledRule& rule) {
  rule.matches.clear();
  for (const Expression& expression : expressions) {
    rule.expressions.push_back(expression.Description());
    Cursor single({expression});
    if (auto comment = DecodeComment(single); comment && rule.comment.empty()) {
      rule.comment = std::move(*comment);
    }
  }
}

}  // namespace

RuleHandle EncodeRule(const Rule& rule, Family family) {
  RuleBuilder builder;
  for (const Place place : kPlaces) {
    for (const Match& match : rule.matches) {
      if (PlaceOf(match) == place) std::visit([&](const auto& kind) { Encode(kind, builder); }, match);
    }
  }
  for (const Match& match : rule.matches) {
    if (const auto* protocol = std::get_if<ProtocolMatch>(&match)) builder.SetProtocol(protocol->protocol);
  }
  EncodeComment(rule.comment, builder);
  builder.Counter();
  EncodeVerdict(rule.verdict, family, builder);
  return builder.Take();
}

InstalledRule DecodeRule(const StoredRule& stored, Family family, const PortSets& port_sets) {
  InstalledRule rule;
  const std::vector<Expression> expressions = ExpressionsOf(stored.handle.get());
  Cursor cursor(expressions);
  rule.understood = stored.whole && Decode(cursor, family, port_sets, rule);
  if (!rule.understood) {
    Describe(expressions, rule);
    if (!stored.whole) rule.expressions.emplace_back("one that this libnftnl does not know");
  }
  rule.counters = CountersOf(expressions);
  if (rule.comment.empty()) rule.comment = CommentInUserdata(stored.handle.get());
  return rule;
}

bool SameRule(const nftnl_rule* wanted, const nftnl_rule* installed) {
  const std::vector<Expression> ours = ExpressionsOf(wanted);
  const std::vector<Expression> theirs = ExpressionsOf(installed);
  if (ours.size() != theirs.size()) return false;
  for (size_t i = 0; i < ours.size(); ++i) {
    if (!theirs[i].Says(ours[i])) return false;
  }
  return true;
}

bool SameUserdata(const nftnl_rule* wanted, const nftnl_rule* installed) {
  const auto bytes = [](const nftnl_rule* rule) {
    uint32_t length = 0;
    const auto* data = static_cast<const char*>(nftnl_rule_get_data(rule, NFTNL_RULE_USERDATA, &length));
    return data == nullptr ? std::string_view() : std::string_view(data, length);
  };
  return bytes(wanted) == bytes(installed);
}

std::string JumpTarget(const nftnl_rule* rule) {
  for (const Expression& expression : ExpressionsOf(rule)) {
    const bool enters = expression.NumberIs(NFTNL_EXPR_IMM_VERDICT, static_cast<uint32_t>(NFT_JUMP)) ||
                        expression.NumberIs(NFTNL_EXPR_IMM_VERDICT, static_cast<uint32_t>(NFT_GOTO));
    if (!expression.Is("immediate") || !enters) continue;
    const std::string_view chain = expression.Bytes(NFTNL_EXPR_IMM_CHAIN);
    return std::string(chain.substr(0, chain.find('\0')));
  }
  return "";
}

}  // namespace sluice::nft
