// SPDX-License-Identifier: GPL-2.0-or-later
#include "nft/match/match.h"

// `-m comment`: the extension of x_tables. Not the rule's userdata, which iptables-nft does not show.
namespace sluice::nft {

void EncodeComment(const std::string& comment, RuleBuilder& rule) {
  if (comment.empty()) return;
  rule.XtMatch(xtables::kComment, xtables::kCommentRevision, xtables::EncodeComment(comment));
}

std::optional<std::string> DecodeComment(Cursor& cursor) {
  const Expression* expression = cursor.Peek();
  const auto extension = expression == nullptr ? std::nullopt : expression->Xt("match");
  auto comment = extension ? xtables::DecodeComment(*extension) : std::nullopt;
  if (comment) cursor.Take();
  return comment;
}

}  // namespace sluice::nft
