// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <string>

#include "core/commit.h"
#include "nft/handles.h"
#include "nft/state.h"

namespace sluice::nft {

// The rule as iptables-nft would encode it, without table and chain.
RuleHandle EncodeRule(const Rule& rule, Family family);

// What a rule of the kernel says, whoever encoded it; equal rules in the same order of matches, that of
// iptables. `own` is left false.
InstalledRule DecodeRule(const StoredRule& rule, Family family, const PortSets& port_sets);

// Whether the kernel's rule is the wanted one, expression by expression; counters may have counted.
bool SameRule(const nftnl_rule* wanted, const nftnl_rule* installed);

// Whether both have the same userdata, where nft keeps comments.
bool SameUserdata(const nftnl_rule* wanted, const nftnl_rule* installed);

// The chain that the rule goes to, by a jump or a goto; empty when it goes to none.
std::string JumpTarget(const nftnl_rule* rule);

}  // namespace sluice::nft
