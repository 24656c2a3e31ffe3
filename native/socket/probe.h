// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>

#include "core/exchange.h"
#include "socket/inet_address.h"
#include "socket/tcp.h"

namespace sluice {

enum class ProbeOutcome : uint8_t {
  kEstablished,  // somebody accepted it
  kRejected,     // somebody answered with an error
  kTimedOut,     // nobody answered
  kNotSent,      // the kernel refused it before a packet met any rule
  kDelivered,    // from outside: it has met the rules of PREROUTING, and was dropped behind them
  kNoDevice,     // from outside: the device could not be made
};

// What became of the one connection of a probe (the op "probe" of docs/core.md).
struct ProbeResult {
  ProbeOutcome outcome = ProbeOutcome::kTimedOut;
  std::optional<uid_t> uid;  // whose it is, of one that was opened here
  std::optional<gid_t> gid;
  ConnectionEnd source;
  ConnectionEnd destination;
  std::optional<ConnectionEnd> went_to;   // by connection tracking; none: that does not know it (any more)
  std::optional<std::string> came_in_by;  // the device
  std::optional<Failure> failure;         // of the outcomes with an errno
  std::optional<InetAddress> rejecter;    // who sent the ICMP error, if it was one
};

// Both work in the calling thread's network namespace, and throw Error for what says nothing of the
// connection.

// Opens a connection and closes it again. The calling thread keeps the ids.
ProbeResult ProbeOutbound(const TcpConnection& connection);

// Has the SYN of a connection come in by a TUN device that exists meanwhile. The kernel drops it behind the
// rules of PREROUTING, so that nobody answers to the source, which may be somebody's address. Without an
// address in `destination` it is the one by which the namespace speaks to the source.
ProbeResult ProbeInbound(const ConnectionEnd& source, ConnectionEnd destination);

}  // namespace sluice
