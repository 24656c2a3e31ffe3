// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <string>

namespace sluice {

// All of these work in the calling thread's network namespace, and throw Error.

// The index of an interface; `what_was_tried` is for the error's text.
unsigned int InterfaceIndex(const std::string& name, const std::string& what_was_tried);

void SetLinkUp(const std::string& name);

// Packets that come in by the interface, and to whose source no route leads back by it, are dropped
// (net.ipv4.conf.NAME.rp_filter). Works where /proc/sys may not be written.
void SetReversePathFilter(const std::string& name);

// With the other end of a veth pair: both are gone when this returns.
void DeleteLink(const std::string& name);

void CreateBridge(const std::string& name);

void AttachToBridge(const std::string& name, const std::string& bridge);

// A veth pair: `name` here, `peer_name` in the namespace behind the descriptor. Both ends are born where they
// belong, so no other namespace ever sees them.
void CreateVethPair(const std::string& name, int peer_namespace, const std::string& peer_name);

}  // namespace sluice
