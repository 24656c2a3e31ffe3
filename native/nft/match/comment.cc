// SPDX-License-Identifier: GPL-2.0-or-later
#include <libnftnl/udata.h>

#include <cstring>

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

std::string CommentInUserdata(const nftnl_rule* rule) {
  uint32_t left = 0;
  const auto* data = static_cast<const uint8_t*>(nftnl_rule_get_data(rule, NFTNL_RULE_USERDATA, &left));
  // Type, length and value, again and again (libnftnl/udata.h).
  constexpr uint32_t kHead = 2;
  while (data != nullptr && left >= kHead && left - kHead >= data[1]) {
    const auto* text = reinterpret_cast<const char*>(data + kHead);
    if (data[0] == NFTNL_UDATA_RULE_COMMENT) return {text, strnlen(text, data[1])};
    left -= kHead + data[1];
    data += kHead + data[1];
  }
  return "";
}

}  // namespace sluice::nft
