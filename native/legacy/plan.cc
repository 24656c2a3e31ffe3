// SPDX-License-Identifier: GPL-2.0-or-later
#include "legacy/plan.h"

#include "core/error.h"

namespace sluice::legacy {
namespace {

using WantedChain = sluice::WantedChain<EncodedEntry>;
using WantedRule = sluice::WantedRule<EncodedEntry>;
using WantedJump = sluice::WantedJump<EncodedEntry>;

class Planner {
 public:
  Planner(const WantedTable& wanted, Table& table) : wanted_(wanted), table_(table) {}

  bool Apply() {
    for (const WantedChain& chain : wanted_.chains) ApplyChain(chain);
    for (const std::string& name : wanted_.ruleset->absent_chains) ApplyAbsence(name);
    return changed_;
  }

 private:
  Error Unfit(const char* detail, const std::string& chain) const {
    Error error(ErrorCode::kChainIncompatible, detail);
    error.family = wanted_.family;
    error.table = wanted_.name;
    error.chain = chain;
    return error;
  }

  void CheckOurs(const std::string& name) const {
    if (table_.IsBaseChain(name)) throw Unfit("it is a base chain, entered by the kernel itself", name);
  }

  // Makes the chains in the order in which a sequence of iptables commands would.
  void ApplyChain(const WantedChain& wanted) {
    const std::string& name = wanted.chain->name;
    CheckOurs(name);
    const bool exists = table_.HasChain(name);
    if (!exists) table_.CreateChain(name);
    if (!exists || !HoldsExactly(wanted)) {
      changed_ = true;
      if (exists) table_.FlushChain(name);
      for (const WantedRule& rule : wanted.rules) table_.Append(name, rule.rule, rule.index);
    }
    for (const WantedJump& jump : wanted_.jumps) {
      if (jump.target == name) ApplyJump(jump);
    }
  }

  bool HoldsExactly(const WantedChain& wanted) const {
    const std::vector<EntryView> rules = table_.Rules(wanted.chain->name);
    if (rules.size() != wanted.rules.size()) return false;
    for (size_t i = 0; i < rules.size(); ++i) {
      if (!SameEntry(wanted.rules[i].rule, rules[i], wanted_.family)) return false;
    }
    return true;
  }

  // A jump into our chain keeps its place, whatever else it matches; ours is added only where there is none,
  // and of several that are exactly ours one stays.
  void ApplyJump(const WantedJump& jump) {
    const std::string& base = jump.base->name;
    if (!table_.IsBaseChain(base)) throw Unfit("it is not a base chain", base);
    bool entered = false;
    std::vector<size_t> doubles;
    const std::vector<EntryView> rules = table_.Rules(base);
    for (size_t position = 0; position < rules.size(); ++position) {
      if (JumpTarget(rules[position], wanted_.family) != jump.target) continue;
      if (entered && SameEntry(jump.rule, rules[position], wanted_.family)) doubles.push_back(position);
      entered = true;
    }
    DeleteRules(base, doubles);
    if (entered) return;
    table_.Append(base, jump.rule, jump.index);
    changed_ = true;
  }

  // A chain that a rule still goes to cannot be deleted: the jumps go first.
  void ApplyAbsence(const std::string& name) {
    CheckOurs(name);
    if (!table_.HasChain(name)) return;
    for (const BaseChain& base : wanted_.ruleset->base_chains) {
      std::vector<size_t> jumps;
      const std::vector<EntryView> rules = table_.Rules(base.name);
      for (size_t position = 0; position < rules.size(); ++position) {
        if (JumpTarget(rules[position], wanted_.family) == name) jumps.push_back(position);
      }
      DeleteRules(base.name, jumps);
    }
    table_.FlushChain(name);
    table_.DeleteChain(name);
    changed_ = true;
  }

  // From the back: positions before a deleted rule stay as they are.
  void DeleteRules(const std::string& chain, const std::vector<size_t>& positions) {
    for (auto position = positions.rbegin(); position != positions.rend(); ++position) {
      table_.DeleteRule(chain, *position);
      changed_ = true;
    }
  }

  const WantedTable& wanted_;
  Table& table_;
  bool changed_ = false;
};

}  // namespace

bool Apply(const WantedTable& wanted, Table& table) { return Planner(wanted, table).Apply(); }

}  // namespace sluice::legacy
