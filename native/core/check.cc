// SPDX-License-Identifier: GPL-2.0-or-later
#include "core/check.h"

#include <algorithm>
#include <set>
#include <string>

#include "core/error.h"

namespace sluice {
namespace {

// The userdata of a rule, where the mode nftables keeps comments, is at most NFT_USERDATA_MAXLEN bytes: a
// type, a length, the text and its NUL.
constexpr size_t kLongestUserdataComment = 256 - 3;

[[noreturn]] void Fail(const std::string& problem) { throw Error(ErrorCode::kInvalidRequest, problem); }

void CheckFamilies(const RulesetRequest& request) {
  const std::vector<Table>& tables = request.ruleset.tables;
  const bool inet = request.ruleset.mode == Mode::kNftables;
  std::set<Family> with_table;
  for (const Table& table : tables) {
    if (table.family.has_value() == inet) Fail("ruleset.tables: a family that the mode does not have");
    if (inet && tables.size() > 1) Fail("ruleset.tables: two tables of one family");
    if (inet) with_table.insert(kFamilies.begin(), kFamilies.end());
    if (!inet && !with_table.insert(*table.family).second) Fail("ruleset.tables: two tables of one family");
  }
  if (inet && tables.empty()) Fail("ruleset.tables: the mode has one");
  std::set<Family> wanted;
  for (const WantedFamily& family : request.families) {
    if (!wanted.insert(family.family).second) Fail("families: a family stands twice");
    if (with_table.count(family.family) == 0) Fail("families: a family has no table in the ruleset");
  }
}

// What a rule says must be in the words of its mode: sets in nftables, extensions of x_tables elsewhere.
void CheckMatch(const Match& match, const Rule& rule, const Ruleset& ruleset, const std::string& chain) {
  const bool x_tables = std::holds_alternative<MultiportMatch>(match);
  const auto* ports = std::get_if<PortSetMatch>(&match);
  const auto* addresses = std::get_if<AddressSetMatch>(&match);
  const bool nftables =
      ports != nullptr || addresses != nullptr || std::holds_alternative<NewConnectionMatch>(match);
  if (ruleset.mode == Mode::kNftables ? x_tables : nftables)
    Fail(chain + ": a match that the mode does not have");
  if (ports == nullptr && addresses == nullptr) return;
  if (addresses != nullptr && rule.In(Other(addresses->family))) {
    Fail(chain + ": a set of one family in a rule of the other");
  }
  const std::string& name = ports != nullptr ? ports->set : addresses->set;
  const SetType type = ports != nullptr                     ? SetType::kPorts
                       : addresses->family == Family::kIpv4 ? SetType::kIpv4
                                                            : SetType::kIpv6;
  const bool known = std::any_of(ruleset.sets.begin(), ruleset.sets.end(),
                                 [&](const Set& set) { return set.name == name && set.type == type; });
  if (!known) Fail(chain + ": a set of its type by the name " + name + " is not in the ruleset");
}

void CheckRule(const Rule& rule, const Ruleset& ruleset, const std::string& chain) {
  if (!rule.In(Family::kIpv4) && !rule.In(Family::kIpv6)) Fail(chain + ": a rule stands in no family");
  if (ruleset.mode == Mode::kNftables && rule.comment.size() > kLongestUserdataComment) {
    Fail(chain + ": a comment of more than " + std::to_string(kLongestUserdataComment) + " bytes");
  }
  for (const Match& match : rule.matches) CheckMatch(match, rule, ruleset, chain);
}

void CheckSets(const Ruleset& ruleset) {
  if (ruleset.mode != Mode::kNftables && !ruleset.sets.empty()) Fail("ruleset.sets: the mode has none");
  std::set<std::string> names;
  for (const Set& set : ruleset.sets) {
    if (!names.insert(set.name).second) Fail("ruleset: the set " + set.name + " stands twice");
  }
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
      CheckRule(jump, ruleset, base.name);
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
  CheckSets(request.ruleset);
  CheckNames(request.ruleset);
  CheckJumps(request.ruleset);
  for (const Chain& chain : request.ruleset.chains) {
    for (const Rule& rule : chain.rules) CheckRule(rule, request.ruleset, chain.name);
  }
}

}  // namespace sluice
