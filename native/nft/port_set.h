// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <map>
#include <string>
#include <vector>

#include "core/ruleset.h"
#include "nft/handles.h"

namespace sluice::nft {

// The sets of ports that rules look up, as in nft's `tcp dport { 22, 80-90 }`, by name: ranges in ascending
// order. Sets of anything else are not among them.
using PortSets = std::map<std::string, std::vector<PortRange>>;

// Whether a set holds ports and nothing else: no map, no time-outs, nothing that packets add.
bool HoldsPorts(const nftnl_set* set);

// The ports of its elements; none when one of them says more than a port.
std::vector<PortRange> PortsOf(nftnl_set* elements);

}  // namespace sluice::nft
