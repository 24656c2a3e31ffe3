// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <vector>

#include "core/commit.h"
#include "core/error.h"
#include "nft/batch.h"
#include "nft/connection.h"

namespace sluice::nft {

// How a mode keeps rules in nf_tables. What it reads it remembers, until it reads again.
class Dialect {
 public:
  virtual ~Dialect() = default;

  // Reads what the request is about, and gives the generation of that; nothing when the ruleset changed
  // meanwhile. Reading creates nothing.
  virtual std::optional<uint32_t> Read(Connection& connection) = 0;

  // Adds to the batch what is missing between what was read and what is wanted; nothing when the kernel holds
  // exactly that. Gives the families that it concerns, with those that were not asked for.
  virtual std::set<Family> Plan(Batch& batch) = 0;

  // Writes what was read into the answer.
  virtual void Report(Inspection& inspection) const = 0;
};

// Reads the generation and what is there, sends one batch bound to that generation, reads back and compares.
// A concurrent writer makes it start again, until the deadline. Nothing is sent when nothing is missing.
// Throws Error; the kernel then holds what it held, except for verification-failed. `result` holds the
// families.
CommitResult RunTransaction(const RulesetRequest& request, Connection& connection, Dialect& dialect,
                            CommitResult result);

// What the kernel would refuse of the batch that a commit would send, each as the error that it would throw;
// none: it would take it. The kernel undoes what it has checked. Throws Error where a commit would end before
// it sends anything.
std::vector<Error> RunRehearsal(const RulesetRequest& request, Connection& connection, Dialect& dialect);

// Reads, and leaves no trace. Throws Error.
Inspection RunInspection(const RulesetRequest& request, Connection& connection, Dialect& dialect,
                         Inspection inspection);

}  // namespace sluice::nft
