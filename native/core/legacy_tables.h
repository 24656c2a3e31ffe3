// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <string>

#include "core/ruleset.h"

namespace sluice {

// Whether ip_tables (for IPv6, ip6_tables) has a table in the network namespace of the calling thread. To ask
// ip_tables itself would make it; /proc/net/ip_tables_names tells without a trace, but only root.
enum class Registered : uint8_t { kYes, kNo, kUnknown };

struct Registration {
  Registered registered;
  int error_number = 0;  // why it is unknown
};

Registration LegacyTable(Family family, const std::string& table);

}  // namespace sluice
