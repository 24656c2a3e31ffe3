// SPDX-License-Identifier: GPL-2.0-or-later
#include "socket/segment.h"

#include <netinet/in.h>
#include <netinet/ip.h>
#include <netinet/ip6.h>
#include <netinet/tcp.h>

#include <algorithm>
#include <array>
#include <cstring>

namespace sluice {
namespace {

constexpr uint8_t kHopLimit = 64;
constexpr uint16_t kWindow = 65535;
// A destination options header before TCP, with an option for experiments (RFC 4727) of those that a host
// that does not know them discards the packet for: 01 in the two highest bits.
constexpr std::array<unsigned char, 8> kDiscardingOptions = {IPPROTO_TCP, 0, 0x5e, 4, 0, 0, 0, 0};

template <typename Header>
void Append(Packet& packet, const Header& header) {
  const auto* bytes = reinterpret_cast<const unsigned char*>(&header);
  packet.insert(packet.end(), bytes, bytes + sizeof(header));
}

template <typename Header>
std::optional<Header> ReadAt(const Packet& packet, size_t offset) {
  if (offset > packet.size() || packet.size() - offset < sizeof(Header)) return std::nullopt;
  Header header;
  std::memcpy(&header, packet.data() + offset, sizeof(header));
  return header;
}

// RFC 1071, of the bytes from an offset on, added to a sum of 16-bit words.
uint16_t Checksum(const Packet& bytes, size_t begin, uint32_t sum = 0) {
  for (size_t i = begin; i < bytes.size(); i += 2) {
    sum += static_cast<uint32_t>(bytes[i]) << 8;
    if (i + 1 < bytes.size()) sum += bytes[i + 1];
  }
  while (sum >> 16 != 0) sum = (sum & 0xffff) + (sum >> 16);
  return htons(static_cast<uint16_t>(~sum));
}

template <typename Number>
void Write(Packet& packet, size_t offset, Number value) {
  std::memcpy(packet.data() + offset, &value, sizeof(value));
}

void AppendIpv4(Packet& packet, const Segment& segment, size_t length) {
  iphdr header{};
  header.version = 4;
  header.ihl = sizeof(header) / 4;
  header.tot_len = htons(static_cast<uint16_t>(sizeof(header) + length));
  header.frag_off = htons(IP_DF);
  header.ttl = kHopLimit;
  header.protocol = IPPROTO_TCP;
  std::memcpy(&header.saddr, segment.source.address.bytes.data(), sizeof(header.saddr));
  std::memcpy(&header.daddr, segment.destination.address.bytes.data(), sizeof(header.daddr));
  Append(packet, header);
  Write(packet, offsetof(iphdr, check), Checksum(packet, 0));
}

void AppendIpv6(Packet& packet, const Segment& segment, size_t length) {
  ip6_hdr header{};
  header.ip6_flow = htonl(6U << 28);
  const size_t options = segment.discarded ? kDiscardingOptions.size() : 0;
  header.ip6_plen = htons(static_cast<uint16_t>(options + length));
  header.ip6_nxt = IPPROTO_TCP;
  if (segment.discarded) header.ip6_nxt = IPPROTO_DSTOPTS;
  header.ip6_hlim = kHopLimit;
  std::memcpy(&header.ip6_src, segment.source.address.bytes.data(), sizeof(header.ip6_src));
  std::memcpy(&header.ip6_dst, segment.destination.address.bytes.data(), sizeof(header.ip6_dst));
  Append(packet, header);
  if (segment.discarded) Append(packet, kDiscardingOptions);
}

// Of the pseudo header (RFC 9293, section 3.1).
uint32_t PseudoSum(const Segment& segment, size_t length) {
  uint32_t sum = IPPROTO_TCP + static_cast<uint32_t>(length);
  for (const InetAddress* address : {&segment.source.address, &segment.destination.address}) {
    for (size_t i = 0; i < address->size(); i += 2) {
      sum += static_cast<uint32_t>(address->bytes[i]) << 8 | address->bytes[i + 1];
    }
  }
  return sum;
}

ConnectionEnd End(int family, const void* address, uint16_t port) {
  ConnectionEnd end;
  end.address.family = family;
  std::memcpy(end.address.bytes.data(), address, end.address.size());
  end.port = ntohs(port);
  return end;
}

// Where TCP begins and the packet ends, with the addresses in `segment`.
struct Extent {
  size_t begin;
  size_t end;
};

std::optional<Extent> DecodeIpv4(const Packet& packet, Segment& segment) {
  const auto header = ReadAt<iphdr>(packet, 0);
  if (!header || header->protocol != IPPROTO_TCP) return std::nullopt;
  if ((ntohs(header->frag_off) & ~IP_DF) != 0) return std::nullopt;
  segment.source = End(AF_INET, &header->saddr, 0);
  segment.destination = End(AF_INET, &header->daddr, 0);
  return Extent{size_t{header->ihl} * 4, ntohs(header->tot_len)};
}

std::optional<Extent> DecodeIpv6(const Packet& packet, Segment& segment) {
  const auto header = ReadAt<ip6_hdr>(packet, 0);
  if (!header || header->ip6_nxt != IPPROTO_TCP) return std::nullopt;
  segment.source = End(AF_INET6, &header->ip6_src, 0);
  segment.destination = End(AF_INET6, &header->ip6_dst, 0);
  return Extent{sizeof(ip6_hdr), sizeof(ip6_hdr) + ntohs(header->ip6_plen)};
}

}  // namespace

Packet EncodeSegment(const Segment& segment) {
  const size_t length = sizeof(tcphdr) + segment.payload.size();
  Packet packet;
  if (segment.source.address.family == AF_INET) {
    AppendIpv4(packet, segment, length);
  } else {
    AppendIpv6(packet, segment, length);
  }
  const size_t begin = packet.size();
  tcphdr header{};
  header.th_sport = htons(segment.source.port);
  header.th_dport = htons(segment.destination.port);
  header.th_seq = htonl(segment.sequence);
  header.th_ack = htonl(segment.acknowledgement);
  header.th_off = sizeof(header) / 4;
  header.th_flags = segment.flags;
  header.th_win = htons(kWindow);
  Append(packet, header);
  packet.insert(packet.end(), segment.payload.begin(), segment.payload.end());
  Write(packet, begin + offsetof(tcphdr, th_sum), Checksum(packet, begin, PseudoSum(segment, length)));
  return packet;
}

std::optional<Segment> DecodeSegment(const Packet& packet) {
  if (packet.empty()) return std::nullopt;
  Segment segment;
  const int version = packet[0] >> 4;
  const std::optional<Extent> extent = version == 4   ? DecodeIpv4(packet, segment)
                                       : version == 6 ? DecodeIpv6(packet, segment)
                                                      : std::nullopt;
  if (!extent || extent->end > packet.size()) return std::nullopt;
  const auto header = ReadAt<tcphdr>(packet, extent->begin);
  if (!header) return std::nullopt;
  const size_t payload = extent->begin + size_t{header->th_off} * 4;
  if (header->th_off < sizeof(tcphdr) / 4 || payload > extent->end) return std::nullopt;
  segment.source.port = ntohs(header->th_sport);
  segment.destination.port = ntohs(header->th_dport);
  segment.sequence = ntohl(header->th_seq);
  segment.acknowledgement = ntohl(header->th_ack);
  segment.flags = header->th_flags;
  segment.payload.assign(packet.begin() + static_cast<std::ptrdiff_t>(payload),
                         packet.begin() + static_cast<std::ptrdiff_t>(extent->end));
  return segment;
}

}  // namespace sluice
