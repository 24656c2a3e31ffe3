// SPDX-License-Identifier: GPL-2.0-or-later
#include <arpa/inet.h>

#include "xtables/extension.h"

// `-j REDIRECT --to-ports N` (net/netfilter/xt_REDIRECT.c).
namespace sluice::xtables {

nf_nat_ipv4_multi_range_compat EncodeRedirectIpv4(const RedirectVerdict& verdict) {
  nf_nat_ipv4_multi_range_compat info{};
  info.rangesize = 1;
  info.range[0].flags = NF_NAT_RANGE_PROTO_SPECIFIED;
  info.range[0].min.all = info.range[0].max.all = htons(verdict.port);
  return info;
}

nf_nat_range EncodeRedirectIpv6(const RedirectVerdict& verdict) {
  nf_nat_range info{};
  info.flags = NF_NAT_RANGE_PROTO_SPECIFIED;
  info.min_proto.all = info.max_proto.all = htons(verdict.port);
  return info;
}

std::optional<RedirectVerdict> DecodeRedirect(const Extension& extension, Family family) {
  if (!extension.Is(kRedirect, kRedirectRevision)) return std::nullopt;
  if (family == Family::kIpv4) {
    const auto info = extension.As<nf_nat_ipv4_multi_range_compat>();
    if (!info || info->rangesize != 1 || info->range[0].flags != NF_NAT_RANGE_PROTO_SPECIFIED ||
        info->range[0].min.all != info->range[0].max.all) {
      return std::nullopt;
    }
    return RedirectVerdict{ntohs(info->range[0].min.all)};
  }
  const auto info = extension.As<nf_nat_range>();
  if (!info || info->flags != NF_NAT_RANGE_PROTO_SPECIFIED || info->min_proto.all != info->max_proto.all) {
    return std::nullopt;
  }
  return RedirectVerdict{ntohs(info->min_proto.all)};
}

}  // namespace sluice::xtables
