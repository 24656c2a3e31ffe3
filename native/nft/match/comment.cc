// SPDX-License-Identifier: GPL-2.0-or-later
#include <linux/netfilter/xt_comment.h>

#include <cstring>

#include "nft/match/match.h"

// `-m comment --comment …`: an extension that always matches. Not the rule's userdata, which iptables-nft
// does not show.
namespace sluice::nft {

void EncodeComment(const std::string& comment, RuleBuilder& rule) {
  if (comment.empty()) return;
  xt_comment_info info{};
  memcpy(info.comment, comment.data(), std::min(comment.size(), sizeof(info.comment) - 1));
  rule.XtMatch("comment", 0, info);
}

std::optional<std::string> DecodeComment(Cursor& cursor) {
  const Expression* expression = cursor.Peek();
  if (expression == nullptr || !expression->IsXt("match", "comment", 0)) return std::nullopt;
  const auto info = expression->XtInfo<xt_comment_info>();
  if (!info) return std::nullopt;
  cursor.Take();
  return std::string(info->comment, strnlen(info->comment, sizeof(info->comment)));
}

}  // namespace sluice::nft
