// SPDX-License-Identifier: GPL-2.0-or-later
#include <algorithm>

#include "xtables/extension.h"

// `-m comment --comment …`: an extension that always matches.
namespace sluice::xtables {

xt_comment_info EncodeComment(const std::string& comment) {
  xt_comment_info info{};
  memcpy(info.comment, comment.data(), std::min(comment.size(), sizeof(info.comment) - 1));
  return info;
}

std::optional<std::string> DecodeComment(const Extension& extension) {
  if (!extension.Is(kComment, kCommentRevision)) return std::nullopt;
  const auto info = extension.As<xt_comment_info>();
  if (!info) return std::nullopt;
  return std::string(info->comment, strnlen(info->comment, sizeof(info->comment)));
}

}  // namespace sluice::xtables
