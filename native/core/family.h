// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <string>
#include <vector>

#include "core/commit.h"

namespace sluice {

// Whether this kernel has the family. With ipv6.disable=1 it has no IPv6, and no packet that a rule could
// meet.
bool Present(Family family);

// An entry for each family of the request. Throws family-unavailable when a required one is not in this
// kernel.
std::vector<InstalledFamily> ChooseFamilies(const RulesetRequest& request);

// Whether a chain of ours stands in a table: `exists(name)` for those that the ruleset names.
template <typename Exists>
bool HoldsOurs(const Ruleset& ruleset, const Exists& exists) {
  for (const Chain& chain : ruleset.chains) {
    if (exists(chain.name)) return true;
  }
  for (const std::string& name : ruleset.absent_chains) {
    if (exists(name)) return true;
  }
  return false;
}

// Whether it is the name of a chain that the ruleset fills.
bool IsOurs(const Ruleset& ruleset, const std::string& chain_name);

bool Asked(const RulesetRequest& request, Family family);

}  // namespace sluice
