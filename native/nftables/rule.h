// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <array>
#include <optional>

#include "core/commit.h"
#include "nft/handles.h"
#include "nft/state.h"

namespace sluice::nftables {

// The rule in expressions of nf_tables alone, without table and chain. With a family, it stands in that one
// only; a rule of a family of its own is told by that, too.
nft::RuleHandle EncodeRule(const Rule& rule, std::optional<Family> only);

struct DecodedRule {
  InstalledRule rule;            // `own` is left false
  std::optional<Family> family;  // absent: both
};

// What a rule of an inet table says, whoever encoded it.
DecodedRule DecodeRule(const nft::StoredRule& rule);

}  // namespace sluice::nftables
