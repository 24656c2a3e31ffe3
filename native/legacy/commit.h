// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <vector>

#include "core/commit.h"
#include "core/error.h"

namespace sluice::legacy {

// Rules in ip_tables and ip6_tables, in the network namespace of the calling thread. commit takes the xtables
// lock, replaces the tables that do not hold what is wanted, IPv6 first, reads back and compares. ip_tables
// replaces one table at a time: should the second fail, the first is put back from a snapshot. It throws
// Error; the kernel then holds what it held, except for verification-failed and rollback-failed.
extern const Backend kBackend;

// Whether that commit would work, found in a network namespace that is made for it and goes with it:
// ip_tables has no way to try that leaves nothing behind, be it only a registered table. Gives what would be
// in the way: of the lock, which is only looked at; and the error of the commit, or that no namespace can be
// made, or none that is like this one (code kNamespace; then without a system call).
std::vector<Error> Rehearse(const RulesetRequest& request);

}  // namespace sluice::legacy
