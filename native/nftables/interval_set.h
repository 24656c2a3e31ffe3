// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <optional>
#include <vector>

#include "core/ruleset.h"
#include "nft/batch.h"

namespace sluice::nftables {

// What the kernel keeps of intervals: two borders of each, the second missing where nothing comes behind it;
// and first, as nft does it, an end at zero where no interval begins there (`Leads`).
std::vector<nft::Border> BordersOf(const std::vector<Interval>& intervals, SetType type);
bool Leads(const std::vector<Interval>& intervals);
nft::Border LeadingBorder();

// The intervals between borders in any order; nothing when they are not as BordersOf makes them.
std::optional<std::vector<Interval>> IntervalsOf(std::vector<nft::Border> borders, SetType type);

// The borders in a message that lists elements, appended to `borders`; false when one says more than a border
// does: a timeout, an expression, a mapping.
bool ReadBorders(const nlmsghdr* message, SetType type, std::vector<nft::Border>& borders);

// What stands in the first and not in the second; both in ascending order.
std::vector<Interval> Difference(const std::vector<Interval>& from, const std::vector<Interval>& without);

}  // namespace sluice::nftables
