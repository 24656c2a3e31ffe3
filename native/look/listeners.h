// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstdint>
#include <set>
#include <string_view>
#include <vector>

#include "socket/inet_address.h"

namespace sluice::look {

// A socket that accepts TCP connections.
struct Listener {
  InetAddress address;
  uint16_t port;
  uint32_t uid;  // whose it is
};

// Those of the calling thread's network namespace on these ports, and of these users on others. Throws Error.
std::vector<Listener> Listeners(const std::set<uint16_t>& ports, const std::set<uint32_t>& uids);

// The listener in a line of /proc/net/tcp or tcp6 (Documentation/networking/proc_net_tcp.rst): nothing for a
// socket in another state, and for what is no such line.
bool ParseListener(std::string_view line, int family, Listener& listener);

}  // namespace sluice::look
