// SPDX-License-Identifier: GPL-2.0-or-later
#include "socket/inet_address.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <cstring>

#include "core/error.h"

namespace sluice {

InetAddress ParseInetAddress(const std::string& text) {
  InetAddress address;
  for (const int family : {AF_INET, AF_INET6}) {
    if (inet_pton(family, text.c_str(), address.bytes.data()) != 1) continue;
    address.family = family;
    return address;
  }
  throw Error(ErrorCode::kInvalidRequest, "\"" + text + "\" is not an IPv4 or IPv6 address");
}

ConnectionEnd ReadSocketAddress(const sockaddr_storage& storage) {
  ConnectionEnd end;
  if (storage.ss_family == AF_INET) {
    sockaddr_in ipv4;
    std::memcpy(&ipv4, &storage, sizeof(ipv4));
    end.address.family = AF_INET;
    std::memcpy(end.address.bytes.data(), &ipv4.sin_addr, 4);
    end.port = ntohs(ipv4.sin_port);
  } else if (storage.ss_family == AF_INET6) {
    sockaddr_in6 ipv6;
    std::memcpy(&ipv6, &storage, sizeof(ipv6));
    const bool mapped = IN6_IS_ADDR_V4MAPPED(&ipv6.sin6_addr);
    end.address.family = mapped ? AF_INET : AF_INET6;
    std::memcpy(end.address.bytes.data(), ipv6.sin6_addr.s6_addr + (mapped ? 12 : 0), end.address.size());
    end.port = ntohs(ipv6.sin6_port);
  }
  return end;
}

SocketAddress MakeSocketAddress(const InetAddress& address, uint16_t port) {
  SocketAddress result;
  if (address.family == AF_INET) {
    sockaddr_in ipv4{};
    ipv4.sin_family = AF_INET;
    ipv4.sin_port = htons(port);
    std::memcpy(&ipv4.sin_addr, address.bytes.data(), sizeof(ipv4.sin_addr));
    std::memcpy(&result.storage, &ipv4, sizeof(ipv4));
    result.length = sizeof(ipv4);
  } else {
    sockaddr_in6 ipv6{};
    ipv6.sin6_family = AF_INET6;
    ipv6.sin6_port = htons(port);
    std::memcpy(&ipv6.sin6_addr, address.bytes.data(), sizeof(ipv6.sin6_addr));
    std::memcpy(&result.storage, &ipv6, sizeof(ipv6));
    result.length = sizeof(ipv6);
  }
  return result;
}

std::string FormatInetAddress(const InetAddress& address) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  inet_ntop(address.family, address.bytes.data(), text.data(), text.size());
  return text.data();
}

std::string FormatEndpoint(const InetAddress& address, uint16_t port) {
  const std::string text = FormatInetAddress(address);
  const std::string host = address.family == AF_INET6 ? "[" + text + "]" : text;
  return host + ":" + std::to_string(port);
}

}  // namespace sluice
