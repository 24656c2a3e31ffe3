// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <optional>

#include "socket/inet_address.h"

namespace sluice {

// A TCP connection as connection tracking sees it. Without NAT, the reply is the original the other way
// round; after a REDIRECT it comes from where the connection was sent.
struct TrackedConnection {
  ConnectionEnd original_source;
  ConnectionEnd original_destination;
  ConnectionEnd reply_source;
  ConnectionEnd reply_destination;
};

// Looks for the connection one of whose directions goes from `source` to `destination`, in the calling
// thread's network namespace; none when it is not tracked there. Needs CAP_NET_ADMIN. Throws Error.
std::optional<TrackedConnection> FindTrackedConnection(const ConnectionEnd& source,
                                                       const ConnectionEnd& destination);

}  // namespace sluice
