// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <vector>

#include "core/commit.h"
#include "core/error.h"

namespace sluice::nft {

// Rules in nf_tables, in the network namespace of the calling thread, as iptables-nft would have put them
// there. commit reads the generation and what is there, sends one batch bound to that generation for both
// families, reads back and compares. A concurrent writer makes it start again, until the deadline. Nothing is
// sent when nothing is missing. It throws Error; the kernel then holds what it held, except for
// verification-failed.
extern const Backend kBackend;

// What the kernel would refuse of that commit (nft/transaction.h, RunRehearsal).
std::vector<Error> Rehearse(const RulesetRequest& request);

}  // namespace sluice::nft
