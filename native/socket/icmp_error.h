// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <optional>

#include "socket/inet_address.h"

namespace sluice {

// Who has answered a packet of the socket's with an ICMP error: the router, host or firewall, by its address
// on this side. None when nobody has; what is told is taken from the socket.
std::optional<InetAddress> TakeIcmpErrorSource(int descriptor);

}  // namespace sluice
