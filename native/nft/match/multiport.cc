// SPDX-License-Identifier: GPL-2.0-or-later
#include "nft/match/match.h"

// `-m multiport`: the extension of x_tables.
namespace sluice::nft {

void Encode(const MultiportMatch& match, RuleBuilder& rule) {
  rule.XtMatch(xtables::kMultiport, xtables::kMultiportRevision, xtables::EncodeMultiport(match));
}

}  // namespace sluice::nft
