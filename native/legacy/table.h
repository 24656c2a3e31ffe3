// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "core/ruleset.h"
#include "legacy/entry.h"

namespace sluice::legacy {

// One table of ip_tables or ip6_tables in the network namespace of the thread that opens it: a copy that
// libiptc reads when it is opened, changes in memory, and writes back as a whole. libiptc keeps state of its
// own in global variables: the caller lets one thread at a time in.
class Table {
 public:
  // Opening it makes the kernel create the table in this namespace, if it had none. Throws Error:
  // permission-denied, or mode-unavailable on a kernel without ip_tables, ip6_tables or the table.
  static std::unique_ptr<Table> Open(Family family, const std::string& name);
  virtual ~Table() = default;
  Table(const Table&) = delete;
  Table& operator=(const Table&) = delete;

  Family family() const { return family_; }
  const std::string& name() const { return name_; }

  virtual bool HasChain(const std::string& chain) const = 0;
  // PREROUTING and the like, which the kernel enters by itself.
  virtual bool IsBaseChain(const std::string& chain) const = 0;
  virtual bool PolicyAccepts(const std::string& base_chain) const = 0;
  // Valid until the chain is changed.
  virtual std::vector<EntryView> Rules(const std::string& chain) const = 0;

  // These change the copy. Throw Error.
  virtual void CreateChain(const std::string& chain) = 0;
  virtual void FlushChain(const std::string& chain) = 0;
  virtual void DeleteChain(const std::string& chain) = 0;
  virtual void Append(const std::string& chain, const EncodedEntry& entry, size_t rule) = 0;
  virtual void DeleteRule(const std::string& chain, size_t position) = 0;

  // Replaces the kernel's table by the copy, counters kept. 0, or the errno: then the kernel may hold either.
  virtual int Commit() noexcept = 0;

 protected:
  Table(Family family, std::string name) : family_(family), name_(std::move(name)) {}

 private:
  Family family_;
  std::string name_;
};

}  // namespace sluice::legacy
