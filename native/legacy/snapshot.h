// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstddef>
#include <memory>
#include <string>

#include "core/ruleset.h"

namespace sluice::legacy {

// A table as the kernel holds it, rules and counters, to be put back byte by byte.
class Snapshot {
 public:
  // Of the network namespace of the calling thread. Throws Error.
  static std::unique_ptr<Snapshot> Take(Family family, const std::string& table);
  virtual ~Snapshot() = default;
  Snapshot(const Snapshot&) = delete;
  Snapshot& operator=(const Snapshot&) = delete;

  // Bytes of the table.
  virtual size_t size() const = 0;

  // Puts the table back, if it holds other rules by now. Throws Error.
  virtual void Restore() = 0;

 protected:
  Snapshot() = default;
};

}  // namespace sluice::legacy
