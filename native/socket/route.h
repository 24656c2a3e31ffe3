// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <optional>
#include <string>

#include "socket/inet_address.h"

namespace sluice {

// All work in the calling thread's network namespace, and throw Error.

// An IPv6 address skips duplicate address detection, which would keep it unusable for about a second.
void AddAddress(const std::string& interface_name, const InetAddress& address, int prefix_length);

// A route to a subnet through a gateway, out of an interface, or both; at least one has to be there.
// Prefix length 0 is the default route. Takes the place of a route to the same subnet.
void AddRoute(const InetAddress& destination, int prefix_length, const std::optional<InetAddress>& gateway,
              const std::string& interface_name);

// Forgets the link-layer address behind an address of the interface's network; there need not be one.
void ForgetNeighbour(const std::string& interface_name, const InetAddress& address);

// The name of the interface by which packets to the destination leave (lo for an address of this namespace);
// empty when there is no route.
std::string RouteInterface(const InetAddress& destination);

}  // namespace sluice
