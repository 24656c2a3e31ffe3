// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <vector>

#include "core/commit.h"
#include "core/error.h"

namespace sluice::nftables {

// Rules in a table of their own in nf_tables, `inet`, in the network namespace of the calling thread: no
// extension of x_tables, and sets for what there may be thousands of. The transaction is that of the mode nft
// (nft/transaction.h). The table is for both families: one that is not asked for is not redirected.
extern const Backend kBackend;

// What the kernel would refuse of that commit (nft/transaction.h, RunRehearsal).
std::vector<Error> Rehearse(const RulesetRequest& request);

}  // namespace sluice::nftables
