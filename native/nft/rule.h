// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <string>

#include "core/commit.h"
#include "nft/handles.h"

namespace sluice::nft {

// The rule as iptables-nft would encode it, without table and chain.
RuleHandle EncodeRule(const Rule& rule, Family family);

// What a rule of the kernel says. `own` is left false.
InstalledRule DecodeRule(const nftnl_rule* rule, Family family);

// Whether the kernel's rule is the wanted one, expression by expression; counters may have counted.
bool SameRule(const nftnl_rule* wanted, const nftnl_rule* installed);

// The chain that the rule jumps to; empty when it does not jump.
std::string JumpTarget(const nftnl_rule* rule);

}  // namespace sluice::nft
