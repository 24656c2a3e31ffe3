// SPDX-License-Identifier: GPL-2.0-or-later
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>

#include "nft/match/match.h"

// `-j RETURN`, `-j ACCEPT`, `-j CHAIN`: an immediate verdict. `-j REDIRECT --to-ports N`: the extension of
// x_tables.
namespace sluice::nft {

void EncodeVerdict(const Verdict& verdict, Family family, RuleBuilder& rule) {
  if (const auto* redirect = std::get_if<RedirectVerdict>(&verdict)) {
    if (family == Family::kIpv4) {
      rule.XtTarget(xtables::kRedirect, xtables::kRedirectRevision, xtables::EncodeRedirectIpv4(*redirect));
    } else {
      rule.XtTarget(xtables::kRedirect, xtables::kRedirectRevision, xtables::EncodeRedirectIpv6(*redirect));
    }
  } else if (const auto* jump = std::get_if<JumpVerdict>(&verdict)) {
    rule.Verdict(NFT_JUMP, jump->chain.c_str());
  } else {
    rule.Verdict(std::holds_alternative<AcceptVerdict>(verdict) ? NF_ACCEPT : NFT_RETURN);
  }
}

std::optional<Verdict> DecodeVerdict(Cursor& cursor, Family family) {
  const Expression* expression = cursor.Peek();
  if (expression == nullptr) return std::nullopt;
  if (const auto target = expression->Xt("target")) {
    const auto redirect = xtables::DecodeRedirect(*target, family);
    if (!redirect) return std::nullopt;
    cursor.Take();
    return *redirect;
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
