// SPDX-License-Identifier: GPL-2.0-or-later
#include "nft/match/match.h"

// `-m owner`: the extension of x_tables.
namespace sluice::nft {

void Encode(const OwnerMatch& match, RuleBuilder& rule) {
  rule.XtMatch(xtables::kOwner, xtables::kOwnerRevision, xtables::EncodeOwner(match));
}

}  // namespace sluice::nft
