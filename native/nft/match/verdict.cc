// SPDX-License-Identifier: GPL-2.0-or-later
#include <arpa/inet.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_nat.h>
#include <linux/netfilter/nf_tables.h>

#include "nft/match/match.h"

// `-j RETURN`, `-j ACCEPT`, `-j CHAIN`: an immediate verdict. `-j REDIRECT --to-ports N`: the extension,
// whose structure differs between the families (net/netfilter/xt_REDIRECT.c).
namespace sluice::nft {
namespace {

void EncodeRedirect(uint16_t port, Family family, RuleBuilder& rule) {
  const uint16_t wire_port = htons(port);
  if (family == Family::kIpv4) {
    nf_nat_ipv4_multi_range_compat info{};
    info.rangesize = 1;
    info.range[0].flags = NF_NAT_RANGE_PROTO_SPECIFIED;
    info.range[0].min.all = info.range[0].max.all = wire_port;
    rule.XtTarget("REDIRECT", 0, info);
  } else {
    nf_nat_range info{};
    info.flags = NF_NAT_RANGE_PROTO_SPECIFIED;
    info.min_proto.all = info.max_proto.all = wire_port;
    rule.XtTarget("REDIRECT", 0, info);
  }
}

std::optional<uint16_t> DecodeRedirect(const Expression& target, Family family) {
  if (family == Family::kIpv4) {
    const auto info = target.XtInfo<nf_nat_ipv4_multi_range_compat>();
    if (!info || info->rangesize != 1 || info->range[0].flags != NF_NAT_RANGE_PROTO_SPECIFIED ||
        info->range[0].min.all != info->range[0].max.all) {
      return std::nullopt;
    }
    return ntohs(info->range[0].min.all);
  }
  const auto info = target.XtInfo<nf_nat_range>();
  if (!info || info->flags != NF_NAT_RANGE_PROTO_SPECIFIED || info->min_proto.all != info->max_proto.all) {
    return std::nullopt;
  }
  return ntohs(info->min_proto.all);
}

}  // namespace

void EncodeVerdict(const Verdict& verdict, Family family, RuleBuilder& rule) {
  if (const auto* redirect = std::get_if<RedirectVerdict>(&verdict)) {
    EncodeRedirect(redirect->port, family, rule);
  } else if (const auto* jump = std::get_if<JumpVerdict>(&verdict)) {
    rule.Verdict(NFT_JUMP, jump->chain.c_str());
  } else {
    rule.Verdict(std::holds_alternative<AcceptVerdict>(verdict) ? NF_ACCEPT : NFT_RETURN);
  }
}

std::optional<Verdict> DecodeVerdict(Cursor& cursor, Family family) {
  const Expression* expression = cursor.Peek();
  if (expression == nullptr) return std::nullopt;
  if (expression->IsXt("target", "REDIRECT", 0)) {
    const auto port = DecodeRedirect(*expression, family);
    if (!port) return std::nullopt;
    cursor.Take();
    return RedirectVerdict{*port};
  }
  if (!expression->Is("immediate") || !expression->Has(NFTNL_EXPR_IMM_VERDICT)) return std::nullopt;
  std::optional<Verdict> verdict;
  switch (static_cast<int32_t>(*expression->Number(NFTNL_EXPR_IMM_VERDICT))) {
    case NFT_RETURN:
      verdict = ReturnVerdict{};
      break;
    case NF_ACCEPT:
      verdict = AcceptVerdict{};
      break;
    case NFT_JUMP:
      if (const auto chain = expression->Bytes(NFTNL_EXPR_IMM_CHAIN); !chain.empty()) {
        verdict = JumpVerdict{std::string(chain.substr(0, chain.find('\0')))};
      }
      break;
    default:  // goto, drop: foreign rules, not understood
      break;
  }
  if (verdict) cursor.Take();
  return verdict;
}

}  // namespace sluice::nft
