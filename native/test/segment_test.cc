// SPDX-License-Identifier: GPL-2.0-or-later
#include "socket/segment.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <random>
#include <utility>

namespace sluice {
namespace {

Segment Example(const char* source, const char* destination, std::string payload = "hello") {
  Segment segment;
  segment.source = {ParseInetAddress(source), 40000};
  segment.destination = {ParseInetAddress(destination), 1404};
  segment.sequence = 0xfffffffe;
  segment.acknowledgement = 7;
  segment.flags = Segment::kAcknowledge | Segment::kFin;
  segment.payload = std::move(payload);
  return segment;
}

Segment Ipv4() { return Example("203.0.113.2", "203.0.113.1"); }
Segment Ipv6() { return Example("2001:db8::2", "2001:db8::1"); }

// What a receiver computes over everything, the checksum included: 0xffff when it is right.
uint32_t Sum(const Packet& bytes, size_t begin, size_t end, uint32_t sum = 0) {
  for (size_t i = begin; i < end; ++i) sum += bytes[i] << (i % 2 == begin % 2 ? 8 : 0);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >> 16);
  return sum;
}

}  // namespace

TEST_CASE("a segment comes out as it went in") {
  for (const Segment& segment : {Ipv4(), Ipv6(), Example("203.0.113.2", "203.0.113.1", "")}) {
    const auto decoded = DecodeSegment(EncodeSegment(segment));
    REQUIRE(decoded.has_value());
    CHECK(decoded->source == segment.source);
    CHECK(decoded->destination == segment.destination);
    CHECK(decoded->sequence == segment.sequence);
    CHECK(decoded->acknowledgement == segment.acknowledgement);
    CHECK(decoded->flags == segment.flags);
    CHECK(decoded->payload == segment.payload);
  }
}

TEST_CASE("its checksums are right, with an odd number of bytes, too") {
  for (const char* payload : {"", "a", "ab", "a longer one"}) {
    CAPTURE(payload);
    const size_t length = 20 + std::string(payload).size();
    const Packet ipv4 = EncodeSegment(Example("203.0.113.2", "203.0.113.1", payload));
    CHECK(Sum(ipv4, 0, 20) == 0xffff);
    // The addresses stand at 12 to 20, and at 8 to 40 in IPv6; protocol and length belong to the pseudo
    // header.
    CHECK(Sum(ipv4, 20, ipv4.size(), Sum(ipv4, 12, 20) + 6 + static_cast<uint32_t>(length)) == 0xffff);
    const Packet ipv6 = EncodeSegment(Example("2001:db8::2", "2001:db8::1", payload));
    CHECK(Sum(ipv6, 40, ipv6.size(), Sum(ipv6, 8, 40) + 6 + static_cast<uint32_t>(length)) == 0xffff);
  }
}

TEST_CASE("a packet that ends early is none, wherever it ends") {
  for (const Segment& segment : {Ipv4(), Ipv6()}) {
    const Packet whole = EncodeSegment(segment);
    for (size_t length = 0; length < whole.size(); ++length) {
      // A copy of its own, so that AddressSanitizer sees a read behind the end.
      const Packet part(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(length));
      CHECK_FALSE(DecodeSegment(part).has_value());
    }
  }
}

TEST_CASE("what is behind the packet is not its own") {
  for (const Segment& segment : {Ipv4(), Ipv6()}) {
    Packet packet = EncodeSegment(segment);
    packet.push_back('!');
    CHECK(DecodeSegment(packet)->payload == "hello");
  }
}

TEST_CASE("other packets are none") {
  const auto changed = [](Packet packet, size_t offset, unsigned char value) {
    packet[offset] = value;
    return DecodeSegment(packet).has_value();
  };
  const Packet ipv4 = EncodeSegment(Ipv4());
  CHECK_FALSE(changed(ipv4, 0, 0x55));   // version
  CHECK_FALSE(changed(ipv4, 9, 17));     // UDP
  CHECK_FALSE(changed(ipv4, 6, 0x20));   // the first of several fragments
  CHECK_FALSE(changed(ipv4, 7, 1));      // a later one
  CHECK_FALSE(changed(ipv4, 0, 0x4f));   // options that it does not have
  CHECK_FALSE(changed(ipv4, 32, 0x40));  // TCP's own header shorter than it can be
  CHECK_FALSE(changed(ipv4, 32, 0xf0));  // longer than the packet
  const Packet ipv6 = EncodeSegment(Ipv6());
  CHECK_FALSE(changed(ipv6, 6, 0));     // hop-by-hop options
  CHECK_FALSE(changed(ipv6, 4, 0xff));  // longer than it is
  CHECK_FALSE(changed(ipv6, 52, 0x10));
}

TEST_CASE("options are passed over") {
  Packet packet = EncodeSegment(Ipv4());
  packet.insert(packet.begin() + 40, {1, 1, 1, 0});
  packet[32] = 0x60;
  packet[3] = static_cast<unsigned char>(packet[3] + 4);
  CHECK(DecodeSegment(packet)->payload == "hello");
}

TEST_CASE("an option for which the host discards it stands between IPv6 and TCP") {
  Segment segment = Ipv6();
  const Packet plain = EncodeSegment(segment);
  segment.discarded = true;
  Packet packet = EncodeSegment(segment);
  REQUIRE(packet.size() == plain.size() + 8);
  CHECK(packet[5] == plain[5] + 8);    // the length
  CHECK(packet[6] == 60);              // destination options
  CHECK(packet[40] == 6);              // then TCP
  CHECK((packet[42] & 0xc0) == 0x40);  // discard, without a word
  packet.erase(packet.begin() + 40, packet.begin() + 48);
  CHECK(std::equal(packet.begin() + 8, packet.end(), plain.begin() + 8));
  segment = Ipv4();
  segment.discarded = true;
  CHECK(EncodeSegment(segment) == EncodeSegment(Ipv4()));
}

TEST_CASE("random bytes do no harm") {
  std::mt19937 random(20240601);  // NOLINT(cert-msc32-c,cert-msc51-cpp): the same each time
  for (int i = 0; i < 100'000; ++i) {
    Packet packet = EncodeSegment(i % 2 == 0 ? Ipv4() : Ipv6());
    for (int changes = 1 + static_cast<int>(random() % 4); changes > 0; --changes) {
      packet[random() % packet.size()] = static_cast<unsigned char>(random());
    }
    packet.resize(random() % (packet.size() + 1));
    packet.shrink_to_fit();
    DecodeSegment(packet);
  }
}

}  // namespace sluice
