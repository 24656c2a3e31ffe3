// SPDX-License-Identifier: GPL-2.0-or-later
#include "xtables/extension.h"

// `-m owner --uid-owner 2102`, `--gid-owner 2102`: struct xt_owner_match_info with min = max.
namespace sluice::xtables {

xt_owner_match_info EncodeOwner(const OwnerMatch& match) {
  xt_owner_match_info info{};
  if (match.uid) {
    info.match |= XT_OWNER_UID;
    info.uid_min = info.uid_max = *match.uid;
  }
  if (match.gid) {
    info.match |= XT_OWNER_GID;
    info.gid_min = info.gid_max = *match.gid;
  }
  return info;
}

std::optional<Match> DecodeOwner(const Extension& extension) {
  if (!extension.Is(kOwner, kOwnerRevision)) return std::nullopt;
  const auto info = extension.As<xt_owner_match_info>();
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
  return match;
}

}  // namespace sluice::xtables
