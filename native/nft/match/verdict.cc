// SPDX-License-Identifier: GPL-2.0-or-later
#include <arpa/inet.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_nat.h>
#include <linux/netfilter/nf_tables.h>

#include <cstring>

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

namespace {

// nft's `redirect to :4143`: the port is loaded into a register, and `redir` takes it from there.
std::optional<Verdict> DecodeNativeRedirect(Cursor& cursor) {
  const Expression* load = cursor.Peek();
  const Expression* redirect = cursor.Peek(1);
  if (load == nullptr || !load->Is("immediate") || redirect == nullptr || !redirect->Is("redir")) {
    return std::nullopt;
  }
  const std::string_view bytes = load->Bytes(NFTNL_EXPR_IMM_DATA);
  const auto loaded = load->Number(NFTNL_EXPR_IMM_DREG);
  const uint32_t flags = redirect->Number(NFTNL_EXPR_REDIR_FLAGS).value_or(0);
  uint16_t port = 0;
  if (!loaded || bytes.size() != sizeof(port) || (flags & ~NF_NAT_RANGE_PROTO_SPECIFIED) != 0 ||
      redirect->Number(NFTNL_EXPR_REDIR_REG_PROTO_MIN) != loaded ||
      redirect->Number(NFTNL_EXPR_REDIR_REG_PROTO_MAX).value_or(*loaded) != *loaded) {
    return std::nullopt;
  }
  memcpy(&port, bytes.data(), sizeof(port));
  cursor.Take(2);
  return RedirectVerdict{ntohs(port)};
}

}  // namespace

std::optional<Verdict> DecodeVerdict(Cursor& cursor, Family family) {
  const Expression* expression = cursor.Peek();
  if (expression == nullptr) return std::nullopt;
  if (const auto target = expression->Xt("target")) {
    const auto redirect = xtables::DecodeRedirect(*target, family);
    if (!redirect) return std::nullopt;
    cursor.Take();
    return *redirect;
  }
  if (auto redirect = DecodeNativeRedirect(cursor)) return redirect;
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
