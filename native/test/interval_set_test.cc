// SPDX-License-Identifier: GPL-2.0-or-later
#include "nftables/interval_set.h"

#include <doctest/doctest.h>

namespace sluice::nftables {
namespace {

std::array<uint8_t, 16> Port(int port) {
  return {static_cast<uint8_t>(port >> 8), static_cast<uint8_t>(port)};
}

Interval Ports(int first, int last) { return {Port(first), Port(last)}; }

TEST_CASE("intervals are borders, and borders are intervals") {
  for (const std::vector<Interval>& intervals : std::vector<std::vector<Interval>>{
           {},
           {Ports(0, 0)},
           {Ports(65535, 65535)},
           {Ports(0, 65535)},
           {Ports(0, 255), Ports(257, 511), Ports(65534, 65535)},
       }) {
    std::vector<nft::Border> borders = BordersOf(intervals, SetType::kPorts);
    if (Leads(intervals)) borders.push_back(LeadingBorder());
    CHECK(IntervalsOf(borders, SetType::kPorts) == intervals);
  }
  CHECK(BordersOf({Ports(0, 65535)}, SetType::kPorts).size() == 1);
  CHECK(Leads({Ports(1, 1)}));
  CHECK_FALSE(Leads({Ports(0, 1)}));
  CHECK_FALSE(Leads({}));
}

TEST_CASE("borders that do not pair are no intervals") {
  CHECK_FALSE(IntervalsOf({{Port(1), true}}, SetType::kPorts));
  CHECK_FALSE(IntervalsOf({{Port(1), false}, {Port(2), false}}, SetType::kPorts));
  CHECK_FALSE(IntervalsOf({{Port(1), false}, {Port(2), true}, {Port(3), true}}, SetType::kPorts));
}

TEST_CASE("what one list of intervals has and the other has not") {
  const std::vector<Interval> one = {Ports(1, 2), Ports(4, 9), Ports(20, 20)};
  const std::vector<Interval> other = {Ports(1, 2), Ports(4, 8), Ports(30, 30)};
  CHECK(Difference(one, other) == std::vector<Interval>{Ports(4, 9), Ports(20, 20)});
  CHECK(Difference(other, one) == std::vector<Interval>{Ports(4, 8), Ports(30, 30)});
  CHECK(Difference(one, one).empty());
}

}  // namespace
}  // namespace sluice::nftables
