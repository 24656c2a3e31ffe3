// SPDX-License-Identifier: GPL-2.0-or-later
#include "core/check.h"

#include <algorithm>
#include <set>
#include <string>

#include "core/error.h"

namespace sluice {
namespace {

[[noreturn]] void Fail(const std::string& problem) { throw Error(ErrorCode::kInvalidRequest, problem); }

void CheckFamilies(const RulesetRequest& request) {
  std::set<Family> with_table;
  for (const Table& table : request.ruleset.tables) {
    if (!with_table.insert(table.family).second) Fail("ruleset.tables: two tables of one family");
  }
  std::set<Family> wanted;
  for (const WantedFamily& family : request.families) {
    if (!wanted.insert(family.family).second) Fail("families: a family stands twice");
    if (with_table.count(family.family) == 0) Fail("families: a family has no table in the ruleset");
  }
}

void CheckRule(const Rule& rule, const std::string& chain) {
  if (!rule.In(Family::kIpv4) && !rule.In(Family::kIpv6)) Fail(chain + ": a rule stands in no family");
}

void CheckNames(const Ruleset& ruleset) {
  std::set<std::string> names;
  const auto add = [&](const std::string& name) {
    if (!names.insert(name).second) Fail("ruleset: the chain " + name + " stands twice");
  };
  for (const BaseChain& chain : ruleset.base_chains) add(chain.name);
  for (const Chain& chain : ruleset.chains) add(chain.name);
  for (const std::string& name : ruleset.absent_chains) add(name);
}

void CheckJumps(const Ruleset& ruleset) {
  const auto wanted = [&](const std::string& name) {
    return std::any_of(ruleset.chains.begin(), ruleset.chains.end(),
                       [&](const Chain& chain) { return chain.name == name; });
  };
  for (const BaseChain& base : ruleset.base_chains) {
    std::set<std::string> targets;
    for (const Rule& jump : base.jumps) {
      CheckRule(jump, base.name);
      const std::string& target = std::get<JumpVerdict>(jump.verdict).chain;
      if (!wanted(target)) Fail(base.name + ": a jump to " + target + ", which is no chain of the ruleset");
      if (!targets.insert(target).second) Fail(base.name + ": two jumps to " + target);
    }
  }
}

}  // namespace

void CheckCommit(const RulesetRequest& request) {
  if (request.ruleset.mode == Mode::kLegacy && request.lock_file.empty()) Fail("lockFile: missing");
  CheckFamilies(request);
  CheckNames(request.ruleset);
  CheckJumps(request.ruleset);
  for (const Chain& chain : request.ruleset.chains) {
    for (const Rule& rule : chain.rules) CheckRule(rule, chain.name);
  }
}

}  // namespace sluice
