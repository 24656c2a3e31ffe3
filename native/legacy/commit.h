// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include "core/commit.h"

namespace sluice::legacy {

// Rules in ip_tables and ip6_tables, in the network namespace of the calling thread. commit takes the xtables
// lock, replaces the tables that do not hold what is wanted, IPv6 first, reads back and compares. ip_tables
// replaces one table at a time: should the second fail, the first is put back from a snapshot. It throws
// Error; the kernel then holds what it held, except for verification-failed and rollback-failed.
extern const Backend kBackend;

}  // namespace sluice::legacy
