// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <libmnl/libmnl.h>

#include <cstdint>
#include <string>
#include <vector>

#include "core/ruleset.h"

namespace sluice::nft {

// NFPROTO_IPV4 or NFPROTO_IPV6.
uint16_t ProtocolFamily(Family family);

// NF_INET_PRE_ROUTING or NF_INET_LOCAL_OUT.
uint32_t HookNumber(Hook hook);

// Requests that read. Each is one message; several may be sent in one go, and are answered in order.
std::vector<char> GetGeneration(uint32_t sequence);
std::vector<char> GetTable(Family family, const std::string& table, uint32_t sequence);
std::vector<char> GetChain(Family family, const std::string& table, const std::string& chain,
                           uint32_t sequence);
// Lists the rules of one chain: the kernel walks no other.
std::vector<char> DumpRules(Family family, const std::string& table, const std::string& chain,
                            uint32_t sequence);

std::vector<char> GetSet(Family family, const std::string& table, const std::string& set, uint32_t sequence);
std::vector<char> DumpElements(Family family, const std::string& table, const std::string& set,
                               uint32_t sequence);

// The name of the expression of a NEWRULE message in which the attribute at this offset stands.
std::string ExpressionAt(const nlmsghdr* message, uint32_t offset);

}  // namespace sluice::nft
