// SPDX-License-Identifier: GPL-2.0-or-later
#include "socket/original_destination.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>

namespace sluice {
namespace {

// SO_ORIGINAL_DST of linux/netfilter_ipv4.h and IP6T_SO_ORIGINAL_DST of ip6_tables.h, which do not go
// together with netinet/in.h.
constexpr int kOriginalDestinationOption = 80;

struct Endpoint {
  int family = AF_UNSPEC;
  std::array<unsigned char, 16> bytes{};
  in_port_t port = 0;  // network order

  bool operator==(const Endpoint& other) const {
    return family == other.family && bytes == other.bytes && port == other.port;
  }
};

// An IPv4-mapped IPv6 address becomes the IPv4 address that it stands for.
Endpoint ToEndpoint(const sockaddr_storage& storage) {
  Endpoint endpoint;
  endpoint.family = storage.ss_family;
  if (storage.ss_family == AF_INET) {
    sockaddr_in ipv4;
    std::memcpy(&ipv4, &storage, sizeof(ipv4));
    std::memcpy(endpoint.bytes.data(), &ipv4.sin_addr, 4);
    endpoint.port = ipv4.sin_port;
  } else if (storage.ss_family == AF_INET6) {
    sockaddr_in6 ipv6;
    std::memcpy(&ipv6, &storage, sizeof(ipv6));
    const auto* bytes = reinterpret_cast<const unsigned char*>(&ipv6.sin6_addr);
    if (IN6_IS_ADDR_V4MAPPED(&ipv6.sin6_addr)) {
      endpoint.family = AF_INET;
      std::memcpy(endpoint.bytes.data(), bytes + 12, 4);
    } else {
      std::memcpy(endpoint.bytes.data(), bytes, 16);
    }
    endpoint.port = ipv6.sin6_port;
  }
  return endpoint;
}

// inet_ntop(3) takes as long as half a system call for what these few digits say.
size_t WriteIpv4(const unsigned char* bytes, std::array<char, 46>& text) {
  char* end = text.data();
  for (int i = 0; i < 4; ++i) {
    if (i > 0) *end++ = '.';
    end = std::to_chars(end, text.data() + text.size(), bytes[i]).ptr;
  }
  return static_cast<size_t>(end - text.data());
}

Destination ToDestination(const Endpoint& endpoint) {
  Destination destination;
  destination.family = endpoint.family;
  destination.port = ntohs(endpoint.port);
  if (endpoint.family == AF_INET) {
    destination.length = WriteIpv4(endpoint.bytes.data(), destination.text);
  } else {
    inet_ntop(AF_INET6, endpoint.bytes.data(), destination.text.data(), destination.text.size());
    destination.length = strlen(destination.text.data());
  }
  return destination;
}

OriginalDestinationResult Failure(int error_number) {
  OriginalDestinationResult result;
  result.error_number = error_number;
  return result;
}

}  // namespace

OriginalDestinationResult OriginalDestination(int descriptor, bool include_direct) {
  sockaddr_storage storage{};
  socklen_t length = sizeof(storage);
  if (getsockname(descriptor, reinterpret_cast<sockaddr*>(&storage), &length) != 0) return Failure(errno);
  const Endpoint local = ToEndpoint(storage);
  if (local.family != AF_INET && local.family != AF_INET6) return Failure(EOPNOTSUPP);

  // conntrack looks the connection up under the family of its packets: SOL_IP also for an IPv4-mapped
  // connection, where SOL_IPV6 answers ENOENT (nf_conntrack_proto.c, ipv6_getorigdst). optlen is not updated:
  // trust ss_family.
  std::memset(&storage, 0, sizeof(storage));
  length = sizeof(storage);
  const int level = local.family == AF_INET ? SOL_IP : SOL_IPV6;
  if (getsockopt(descriptor, level, kOriginalDestinationOption, &storage, &length) != 0)
    return Failure(errno);
  const Endpoint original = ToEndpoint(storage);

  OriginalDestinationResult result;
  if (original == local && !include_direct) return result;  // tracked, not redirected
  result.destination = ToDestination(original);
  result.local_port = ntohs(local.port);
  return result;
}

}  // namespace sluice
