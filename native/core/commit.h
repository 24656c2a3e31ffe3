// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/ruleset.h"

// What a back end is asked, and what it answers (the ops "commit" and "inspect" of docs/core.md).
namespace sluice {

struct WantedFamily {
  Family family;
  bool required;  // false: a kernel without it is no error
};

struct RulesetRequest {
  std::vector<WantedFamily> families;
  Ruleset ruleset;  // to inspect, only the names of its tables and chains count
  std::chrono::steady_clock::time_point deadline;
  std::string lock_file;         // the xtables lock; only the mode legacy takes it
  std::vector<Table> elsewhere;  // tables of another mode, to be looked for; the modes of nf_tables do
};

struct Counters {
  uint64_t packets;
  uint64_t bytes;
};

// A rule read from the kernel. One that is not understood keeps the names of its expressions.
struct InstalledRule {
  bool own = false;
  bool understood = false;
  std::vector<Match> matches;
  Verdict verdict;
  std::string comment;
  std::optional<Family> only;  // in a table for both families: the one that the rule says it is for
  std::optional<Counters> counters;
  std::vector<std::string> expressions;
};

struct InstalledChain {
  std::string name;
  std::optional<Hook> hook;
  bool policy_accept = true;  // base chains only
  std::vector<InstalledRule> rules;
};

struct InstalledFamily {
  Family family;
  bool present = false;
  bool changed = false;
  bool dormant = false;  // the table is there, and ignores its rules; in nf_tables alone
  std::vector<InstalledChain> chains;
  std::vector<Set> sets;  // those of its addresses, and of ports
};

struct Inspection {
  uint32_t generation = 0;  // 0 in the mode legacy, which has none
  std::vector<InstalledFamily> families;
  std::vector<Family> stale;   // not asked for, and hold chains of ours
  std::vector<Family> unseen;  // not asked for, and this process may not look
  bool elsewhere = false;      // whether a table of another mode exists
};

struct CommitResult : Inspection {
  // Not asked for, and had to go all the same; only in the mode nftables, whose table is for both.
  std::vector<Family> displaced;
  bool changed = false;
  uint32_t attempts = 0;
  uint32_t messages = 0;
  size_t bytes = 0;
  // What the kernel took, as far as that can be seen from outside: nft, nftables: from the sending of the
  // batch to its acknowledgement; legacy: libiptc's replacing of the tables.
  std::chrono::microseconds kernel_time{0};
  // What it was sent through, still open, as in a Reply; none when nothing was sent.
  std::shared_ptr<void> connection;
};

// One of the ways in which a kernel keeps rules.
struct Backend {
  CommitResult (*commit)(const RulesetRequest& request);
  // Reads, and leaves no trace. Throws Error.
  Inspection (*inspect)(const RulesetRequest& request);
};

}  // namespace sluice
