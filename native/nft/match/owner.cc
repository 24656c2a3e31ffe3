// SPDX-License-Identifier: GPL-2.0-or-later
#include <linux/netfilter/xt_owner.h>

#include "nft/match/match.h"

// `-m owner --uid-owner 2102`, `--gid-owner 2102`: struct xt_owner_match_info with min = max.
namespace sluice::nft {

void Encode(const OwnerMatch& match, RuleBuilder& rule) {
  xt_owner_match_info info{};
  if (match.uid) {
    info.match |= XT_OWNER_UID;
    info.uid_min = info.uid_max = *match.uid;
  }
  if (match.gid) {
    info.match |= XT_OWNER_GID;
    info.gid_min = info.gid_max = *match.gid;
  }
  rule.XtMatch("owner", 1, info);
}

std::optional<Match> DecodeOwner(Cursor& cursor) {
  const Expression* expression = cursor.Peek();
  if (expression == nullptr || !expression->IsXt("match", "owner", 1)) return std::nullopt;
  const auto info = expression->XtInfo<xt_owner_match_info>();
  if (!info || info->invert != 0 || info->match == 0 || (info->match & ~(XT_OWNER_UID | XT_OWNER_GID)) != 0) {
    return std::nullopt;
  }
  OwnerMatch match;
  if ((info->match & XT_OWNER_UID) != 0) {
    if (info->uid_min != info->uid_max) return std::nullopt;
    match.uid = info->uid_min;
  }
  if ((info->match & XT_OWNER_GID) != 0) {
    if (info->gid_min != info->gid_max) return std::nullopt;
    match.gid = info->gid_min;
  }
  cursor.Take();
  return match;
}

}  // namespace sluice::nft
