// SPDX-License-Identifier: GPL-2.0-or-later
#include "nftables/rule.h"

#include <arpa/inet.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <netinet/in.h>

#include "nft/expression.h"
#include "nft/match/match.h"
#include "nft/rule_builder.h"

namespace sluice::nftables {

using nft::Cursor;
using nft::Expression;
using nft::RuleBuilder;

namespace {

uint8_t ProtocolNumber(Family family) { return family == Family::kIpv4 ? NFPROTO_IPV4 : NFPROTO_IPV6; }

void EncodeFamily(Family family, RuleBuilder& builder) {
  const uint8_t number = ProtocolNumber(family);
  builder.LoadMeta(NFT_META_NFPROTO);
  builder.CompareEqual(&number, sizeof(number));
}

std::optional<Family> DecodeFamily(Cursor& cursor) {
  const Expression* load = cursor.Peek();
  if (load == nullptr || !load->Is("meta") || !load->NumberIs(NFTNL_EXPR_META_KEY, NFT_META_NFPROTO)) {
    return std::nullopt;
  }
  const auto comparison = nft::ReadComparison(cursor, load->Number(NFTNL_EXPR_META_DREG).value_or(0));
  if (!comparison || !comparison->mask.empty() || comparison->value.size() != 1) return std::nullopt;
  for (const Family family : kFamilies) {
    if (static_cast<uint8_t>(comparison->value[0]) != ProtocolNumber(family)) continue;
    cursor.Take(comparison->expressions);
    return family;
  }
  return std::nullopt;
}

// xt_owner's numbers are those of the caller's user namespace, nft's those that the kernel gives the socket
// there: an owner who is not mapped can be named.
void EncodeOwner(const OwnerMatch& match, RuleBuilder& builder) {
  if (match.uid) {
    builder.LoadMeta(NFT_META_SKUID);
    builder.CompareEqual(&*match.uid, sizeof(*match.uid));
  }
  if (match.gid) {
    builder.LoadMeta(NFT_META_SKGID);
    builder.CompareEqual(&*match.gid, sizeof(*match.gid));
  }
}

void EncodeVerdict(const Verdict& verdict, RuleBuilder& builder) {
  if (const auto* redirect = std::get_if<RedirectVerdict>(&verdict)) {
    builder.Redirect(htons(redirect->port));
  } else {
    nft::EncodeVerdict(verdict, Family::kIpv4, builder);  // the same in each family
  }
}

std::optional<Match> DecodeMatch(Cursor& cursor, const std::optional<Family>& family) {
  // Without a family, only what is the same in both.
  if (auto match = nft::DecodeProtocol(cursor, family.value_or(Family::kIpv6))) return match;
  if (auto match = nft::DecodeNewConnection(cursor)) return match;
  if (auto match = nft::DecodeInterface(cursor)) return match;
  if (auto match = nft::DecodeSetMatch(cursor, family)) return match;
  if (family) {
    if (auto match = nft::DecodeSubnet(cursor, *family)) return match;
  }
  if (auto match = nft::DecodePorts(cursor, {})) return match;
  return nft::DecodeOwner(cursor);
}

// nft writes a user and a group as two matches; one of both is the same.
void JoinOwners(std::vector<Match>& matches) {
  for (size_t i = 0; i + 1 < matches.size(); ++i) {
    auto* first = std::get_if<OwnerMatch>(&matches[i]);
    const auto* second = std::get_if<OwnerMatch>(&matches[i + 1]);
    if (first == nullptr || second == nullptr || first->gid || second->uid) continue;
    first->gid = second->gid;
    matches.erase(matches.begin() + static_cast<ptrdiff_t>(i) + 1);
  }
}

// Whether what looks into a TCP header says that there is one: the rule model has no other words for it.
bool SaysTcp(const std::vector<Match>& matches) {
  bool looks = false;
  bool tcp = false;
  for (const Match& match : matches) {
    const auto* protocol = std::get_if<ProtocolMatch>(&match);
    tcp = tcp || (protocol != nullptr && protocol->protocol == IPPROTO_TCP);
    looks = looks || std::holds_alternative<DestinationPortMatch>(match) ||
            std::holds_alternative<PortSetMatch>(match) || std::holds_alternative<NewConnectionMatch>(match);
  }
  return tcp || !looks;
}

bool Decode(Cursor& cursor, DecodedRule& decoded) {
  for (;;) {
    if (const auto family = decoded.family ? std::nullopt : DecodeFamily(cursor)) {
      decoded.family = family;
    } else if (auto match = DecodeMatch(cursor, decoded.family)) {
      decoded.rule.matches.push_back(std::move(*match));
    } else if (const Expression* next = cursor.Peek(); next != nullptr && next->Is("counter")) {
      cursor.Take();
    } else {
      break;
    }
  }
  JoinOwners(decoded.rule.matches);
  if (!SaysTcp(decoded.rule.matches)) return false;
  auto verdict = nft::DecodeVerdict(cursor, decoded.family.value_or(Family::kIpv4));
  if (!verdict || !cursor.AtEnd()) return false;
  decoded.rule.verdict = std::move(*verdict);
  return true;
}

}  // namespace

nft::RuleHandle EncodeRule(const Rule& rule, std::optional<Family> only) {
  RuleBuilder builder;
  for (const Family family : kFamilies) {
    const bool other = rule.In(family == Family::kIpv4 ? Family::kIpv6 : Family::kIpv4);
    if (rule.In(family) && (!other || only == family)) EncodeFamily(family, builder);
  }
  for (const Match& match : rule.matches) {
    if (const auto* owner = std::get_if<OwnerMatch>(&match)) {
      EncodeOwner(*owner, builder);
    } else {
      std::visit([&](const auto& kind) { nft::Encode(kind, builder); }, match);
    }
  }
  builder.Counter();
  EncodeVerdict(rule.verdict, builder);
  builder.Comment(rule.comment);
  return builder.Take();
}

DecodedRule DecodeRule(const nft::StoredRule& stored) {
  DecodedRule decoded;
  const std::vector<Expression> expressions = nft::ExpressionsOf(stored.handle.get());
  Cursor cursor(expressions);
  decoded.rule.understood = stored.whole && Decode(cursor, decoded);
  if (!decoded.rule.understood) {
    decoded.rule.matches.clear();
    for (const Expression& expression : expressions)
      decoded.rule.expressions.push_back(expression.Description());
    if (!stored.whole) decoded.rule.expressions.emplace_back("one that this libnftnl does not know");
  }
  decoded.rule.counters = nft::CountersOf(expressions);
  decoded.rule.comment = nft::CommentInUserdata(stored.handle.get());
  return decoded;
}

}  // namespace sluice::nftables
