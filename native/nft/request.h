// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <libmnl/libmnl.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/ruleset.h"

namespace sluice::nft {

// A table, as messages name it.
struct TableId {
  uint16_t protocol;  // NFPROTO_IPV4, NFPROTO_IPV6 or NFPROTO_INET
  std::string name;
};

TableId IdOf(const Table& table);

// NFPROTO_IPV4 or NFPROTO_IPV6.
uint16_t ProtocolFamily(Family family);

// The family of a table's rules; nothing for NFPROTO_INET, whose rules are of both.
std::optional<Family> FamilyOf(const TableId& table);

// NF_INET_PRE_ROUTING or NF_INET_LOCAL_OUT.
uint32_t HookNumber(Hook hook);

// Requests that read. Each is one message; several may be sent in one go, and are answered in order.
std::vector<char> GetGeneration(uint32_t sequence);
std::vector<char> GetTable(const TableId& table, uint32_t sequence);
std::vector<char> GetChain(const TableId& table, const std::string& chain, uint32_t sequence);
// Lists the rules of one chain: the kernel walks no other.
std::vector<char> DumpRules(const TableId& table, const std::string& chain, uint32_t sequence);

// Lists all chains of the table's family: the kernel does not look at the table's name here.
std::vector<char> DumpChains(const TableId& table, uint32_t sequence);
// Lists the rules of all its chains.
std::vector<char> DumpRules(const TableId& table, uint32_t sequence);
// Lists its stateful objects (counters, quotas, …), and its flow tables.
std::vector<char> DumpObjects(const TableId& table, uint32_t sequence);
std::vector<char> DumpFlowTables(const TableId& table, uint32_t sequence);

std::vector<char> GetSet(const TableId& table, const std::string& set, uint32_t sequence);
// Lists the sets of the table, without their elements.
std::vector<char> DumpSets(const TableId& table, uint32_t sequence);
std::vector<char> DumpElements(const TableId& table, const std::string& set, uint32_t sequence);

// The name of the table that a message is about.
std::string TableNameIn(const nlmsghdr* message);

// The name of the expression of a NEWRULE message in which the attribute at this offset stands.
std::string ExpressionAt(const nlmsghdr* message, uint32_t offset);

}  // namespace sluice::nft
