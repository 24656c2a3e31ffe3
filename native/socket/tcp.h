// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <optional>

#include "core/file_descriptor.h"
#include "socket/inet_address.h"

namespace sluice {

// A socket stays in the network namespace of the thread that makes it: call these on a thread that is in the
// right one. Both give non-blocking sockets, and throw Error.

// With `ipv6_only` off, a listener on :: also takes IPv4 connections, as IPv4-mapped addresses.
FileDescriptor ListenTcp(const InetAddress& address, uint16_t port, bool ipv6_only, int backlog);

struct TcpConnection {
  InetAddress address;
  uint16_t port = 0;
  std::optional<InetAddress> local_address;
  uint16_t local_port = 0;  // 0: the kernel chooses
  // Who owns the socket, for rules that look at its owner; none: the calling process.
  std::optional<uid_t> uid;
  std::optional<gid_t> gid;
  std::chrono::milliseconds timeout{0};
  // Becomes readable when nobody waits for the connection any more.
  int cancel_descriptor = -1;
  // How many hops its packets go at most; 0: as the system has it.
  int hop_limit = 0;
  // Whether an ICMP error ends the attempt at once, and can be asked of the socket (icmp_error.h). Otherwise
  // one that answers within connect(2), as one from the other end of a veth pair does, is noticed in IPv6
  // only when the SYN is sent again, a second later.
  bool heed_icmp_errors = false;
};

// Waits until the connection stands. The calling thread keeps the ids. ETIMEDOUT after `timeout`, ECANCELED
// when cancelled.
FileDescriptor ConnectTcp(const TcpConnection& connection);

// The same in two steps. The first throws what the kernel says before a packet has met any rule: that there
// is no route, for instance. The second waits, and throws what came back.
FileDescriptor StartTcp(const TcpConnection& connection);
void AwaitTcp(const FileDescriptor& socket, const TcpConnection& connection);

// The near end of a connection. Throws Error.
ConnectionEnd LocalEnd(const FileDescriptor& socket);

}  // namespace sluice
