// SPDX-License-Identifier: GPL-2.0-or-later
#include "nft/match/match.h"

// The matches of x_tables that the rule model knows, all but the comment.
namespace sluice::nft {

std::optional<Match> DecodeExtension(Cursor& cursor) {
  const Expression* expression = cursor.Peek();
  const auto extension = expression == nullptr ? std::nullopt : expression->Xt("match");
  auto match = extension ? xtables::DecodeMatch(*extension) : std::nullopt;
  if (match) cursor.Take();
  return match;
}

}  // namespace sluice::nft
