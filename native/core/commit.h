// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/ruleset.h"

// What a back end is asked, and what it answers (op "commit" of docs/core.md).
namespace sluice {

struct WantedFamily {
  Family family;
  bool required;  // false: a kernel without it is no error
};

struct CommitRequest {
  std::vector<WantedFamily> families;
  Ruleset ruleset;
  std::chrono::steady_clock::time_point deadline;
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
  std::vector<InstalledChain> chains;
};

struct CommitResult {
  bool changed = false;
  uint32_t generation = 0;
  uint32_t attempts = 0;
  uint32_t messages = 0;
  size_t bytes = 0;
  std::vector<InstalledFamily> families;
  std::vector<Family> stale;
};

using CommitFunction = CommitResult (*)(const CommitRequest& request);

}  // namespace sluice
