// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <string>
#include <vector>

#include "core/commit.h"
#include "core/ruleset.h"

// A rule as ip_tables holds it: struct ipt_entry or ip6t_entry with the addresses, interfaces and protocol,
// then the matches of x_tables, then the target.
namespace sluice::legacy {

using EncodedEntry = std::vector<char>;

// A rule in a table of libiptc. The table owns the entry.
struct EntryView {
  const char* entry;
  // What libiptc says of the target: ACCEPT, DROP, QUEUE, RETURN, a chain, a module; empty: none. In the
  // entry itself a chain is but a number.
  std::string target;
};

// The entry as iptables-legacy would make it.
EncodedEntry EncodeEntry(const Rule& rule, Family family);

// What an entry says. `own` is left false.
InstalledRule DecodeEntry(const EntryView& view, Family family);

// Whether the table's entry is the wanted one. Counters may have counted.
bool SameEntry(const EncodedEntry& wanted, const EntryView& installed, Family family);

// The chain that the rule goes to, by a jump or a goto; empty when it goes to none.
std::string JumpTarget(const EntryView& view, Family family);

}  // namespace sluice::legacy
