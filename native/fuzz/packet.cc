// SPDX-License-Identifier: GPL-2.0-or-later

// What native/socket reads of others: a packet from a device, and the kernel's answer to a question of
// rtnetlink. A segment that was understood, written again, is understood to be the same.

#include <linux/rtnetlink.h>

#include <cstdint>
#include <vector>

#include "core/error.h"
#include "fuzz/check.h"
#include "socket/netlink.h"
#include "socket/segment.h"

namespace {

using sluice::Segment;
using sluice::fuzz::Check;

void Decode(const std::vector<unsigned char>& bytes) {
  const auto segment = sluice::DecodeSegment(bytes);
  if (!segment) return;
  Check(segment->payload.size() < bytes.size(), "a payload is a part of its packet");
  const auto again = sluice::DecodeSegment(sluice::EncodeSegment(*segment));
  Check(again.has_value(), "what is written can be read");
  Check(again->source.port == segment->source.port && again->destination.port == segment->destination.port &&
            again->source.address.bytes == segment->source.address.bytes &&
            again->destination.address.bytes == segment->destination.address.bytes,
        "the same ends");
  Check(again->sequence == segment->sequence && again->acknowledgement == segment->acknowledgement &&
            again->flags == segment->flags && again->payload == segment->payload,
        "the same segment");
}

void ReadReply(const std::vector<unsigned char>& bytes) {
  try {
    const sluice::NetlinkReply reply(sluice::CheckedNetlinkReply(bytes, "asked"));
    const sluice::NetlinkAttributes attributes = reply.Attributes<rtmsg>();
    for (uint16_t type = 0; type <= RTA_MAX; ++type) {
      if (const auto found = attributes.Find(type)) found->FindValue<uint32_t>(RTA_OIF);
      attributes.FindValue<uint32_t>(type);
    }
  } catch (const sluice::Error& error) {
    Check(!error.detail.empty(), "an error says what was tried");
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  // A copy of its own, so that AddressSanitizer sees a read behind the end.
  const std::vector<unsigned char> bytes(data, data + size);
  Decode(bytes);
  ReadReply(bytes);
  return 0;
}
