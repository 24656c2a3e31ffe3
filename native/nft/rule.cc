// SPDX-License-Identifier: GPL-2.0-or-later
#include "nft/rule.h"

#include <linux/netfilter/nf_tables.h>

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

std::optional<Match> DecodeMatch(Cursor& cursor, Family family) {
  if (auto match = DecodeProtocol(cursor)) return match;
  if (auto match = DecodeInterface(cursor)) return match;
  if (auto match = DecodeSubnet(cursor, family)) return match;
  if (auto match = DecodeDestinationPort(cursor)) return match;
  return DecodeExtension(cursor);
}

// Reads the whole rule; false when something in it is not understood.
bool Decode(Cursor& cursor, Family family, InstalledRule& rule) {
  bool commented = false;
  for (;;) {
    if (auto match = DecodeMatch(cursor, family)) {
      rule.matches.push_back(std::move(*match));
      continue;
    }
    auto comment = DecodeComment(cursor);
    if (!comment) break;
    // Of two comments, or an empty one, the rule model could not say.
    if (commented || comment->empty()) return false;
    rule.comment = std::move(*comment);
    commented = true;
  }
  if (const Expression* counter = cursor.Peek(); counter != nullptr && counter->Is("counter")) {
    rule.counters = {counter->Number64(NFTNL_EXPR_CTR_PACKETS), counter->Number64(NFTNL_EXPR_CTR_BYTES)};
    cursor.Take();
  }
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
    if (expression.Is("counter")) {
      rule.counters = {expression.Number64(NFTNL_EXPR_CTR_PACKETS),
                       expression.Number64(NFTNL_EXPR_CTR_BYTES)};
    }
    Cursor single({expression});
    if (auto comment = DecodeComment(single)) rule.comment = std::move(*comment);
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

InstalledRule DecodeRule(const nftnl_rule* rule, Family family) {
  InstalledRule decoded;
  std::vector<Expression> expressions = ExpressionsOf(rule);
  Cursor cursor(expressions);
  decoded.understood = Decode(cursor, family, decoded);
  if (!decoded.understood) Describe(expressions, decoded);
  return decoded;
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

std::string JumpTarget(const nftnl_rule* rule) {
  for (const Expression& expression : ExpressionsOf(rule)) {
    if (!expression.Is("immediate") ||
        !expression.NumberIs(NFTNL_EXPR_IMM_VERDICT, static_cast<uint32_t>(NFT_JUMP))) {
      continue;
    }
    const std::string_view chain = expression.Bytes(NFTNL_EXPR_IMM_CHAIN);
    return std::string(chain.substr(0, chain.find('\0')));
  }
  return "";
}

}  // namespace sluice::nft
