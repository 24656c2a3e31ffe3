// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include "core/commit.h"

namespace sluice::nft {

// Makes the tables of the ruleset hold it, in the network namespace of the calling thread: reads the
// generation and what is there, sends one batch bound to that generation for both families, reads back and
// compares. A concurrent writer makes it start again, until the deadline. Nothing is sent when nothing is
// missing. Throws Error; the kernel then holds what it held, except for verification-failed.
CommitResult Commit(const CommitRequest& request);

}  // namespace sluice::nft
