// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <sys/socket.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>

namespace sluice {

// An IPv4 or IPv6 address as bytes in network order.
struct InetAddress {
  int family = AF_UNSPEC;
  std::array<unsigned char, 16> bytes{};

  size_t size() const { return family == AF_INET ? 4 : 16; }
  // 32 or 128: the longest prefix.
  int bits() const { return static_cast<int>(size()) * 8; }

  bool operator==(const InetAddress& other) const { return family == other.family && bytes == other.bytes; }
};

// Reads "192.0.2.1" or "2001:db8::1". Throws Error with code kInvalidRequest.
InetAddress ParseInetAddress(const std::string& text);

// An address with a port: one end of a connection.
struct ConnectionEnd {
  InetAddress address;
  uint16_t port = 0;

  bool operator==(const ConnectionEnd& other) const { return address == other.address && port == other.port; }
};

// What the kernel has written into it. An IPv4-mapped IPv6 address becomes the IPv4 address that it stands
// for; one of another family is of no family.
ConnectionEnd ReadSocketAddress(const sockaddr_storage& storage);

struct SocketAddress {
  sockaddr_storage storage{};
  socklen_t length = 0;

  const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&storage); }
};

SocketAddress MakeSocketAddress(const InetAddress& address, uint16_t port);

// "192.0.2.1:80", "[2001:db8::1]:80": for messages.
std::string FormatEndpoint(const InetAddress& address, uint16_t port);

// The address as text, without prefix length.
std::string FormatInetAddress(const InetAddress& address);

}  // namespace sluice
