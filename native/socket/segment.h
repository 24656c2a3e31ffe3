// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "socket/inet_address.h"

namespace sluice {

using Packet = std::vector<unsigned char>;

// A TCP segment with the IP packet around it. Both ends are of one family.
struct Segment {
  enum Flag : uint8_t { kFin = 1, kSyn = 2, kReset = 4, kAcknowledge = 16 };

  ConnectionEnd source;
  ConnectionEnd destination;
  uint32_t sequence = 0;
  uint32_t acknowledgement = 0;
  uint8_t flags = 0;
  std::string payload;
  // IPv6: with an option for which its host has to discard the packet without a word (RFC 8200, section 4.2),
  // which it looks at after the rules of INPUT.
  bool discarded = false;

  bool Has(int wanted) const { return (flags & wanted) == wanted; }
};

// With checksums, and but for `discarded` no options.
Packet EncodeSegment(const Segment& segment);

// None for whatever else a device may carry: another protocol, a fragment, IPv6 extension headers, fewer
// bytes than it says that it has. Checksums are not looked at.
std::optional<Segment> DecodeSegment(const Packet& packet);

}  // namespace sluice
