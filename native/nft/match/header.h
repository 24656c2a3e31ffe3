// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstdint>

#include "core/ruleset.h"

// Where fields stand in the headers of a packet.
namespace sluice::nft {

constexpr uint32_t kDestinationPortOffset = 2;  // the same in struct tcphdr and struct udphdr

// In struct iphdr and struct ipv6hdr.
constexpr uint32_t AddressOffset(Family family, bool destination) {
  if (family == Family::kIpv4) return destination ? 16 : 12;
  return destination ? 24 : 8;
}

}  // namespace sluice::nft
