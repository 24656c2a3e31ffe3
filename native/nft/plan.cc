// SPDX-License-Identifier: GPL-2.0-or-later
#include "nft/plan.h"

#include <linux/netfilter.h>

#include <array>

#include "core/error.h"
#include "nft/request.h"
#include "nft/rule.h"

namespace sluice::nft {
namespace {

std::string Describe(const std::string& type, uint32_t hook, int32_t priority) {
  constexpr std::array kHooks = {"prerouting", "input", "forward", "output", "postrouting"};  // by number
  const std::string name = hook < kHooks.size() ? kHooks[hook] : std::to_string(hook);
  return "of type " + type + " at hook " + name + " with priority " + std::to_string(priority);
}

using WantedChain = sluice::WantedChain<RuleHandle>;
using WantedRule = sluice::WantedRule<RuleHandle>;
using WantedJump = sluice::WantedJump<RuleHandle>;

class Planner {
 public:
  Planner(const WantedTable& wanted, const TableState& state, Batch& batch)
      : wanted_(wanted), state_(state), batch_(batch) {}

  void Plan() {
    CheckTable();
    const bool chains_wanted = !wanted_.chains.empty();
    if (!state_.exists && chains_wanted) batch_.AddTable(About(Subject::Kind::kTable, ""));
    for (const WantedChain& chain : wanted_.chains) PlanChain(chain);
    for (const std::string& name : wanted_.ruleset->absent_chains) PlanAbsence(name);
  }

 private:
  Subject About(Subject::Kind kind, const std::string& chain, std::optional<size_t> rule = {}) const {
    return {kind, {ProtocolFamily(wanted_.family), wanted_.name}, chain, rule};
  }

  Error Unfit(ErrorCode code, const std::string& detail, const std::string& chain = "") const {
    Error error(code, detail);
    error.family = wanted_.family;
    error.table = wanted_.name;
    error.chain = chain;
    return error;
  }

  void CheckTable() const {
    if (state_.dormant()) {
      throw Unfit(ErrorCode::kTableDormant, "it is dormant: it accepts rules and ignores them");
    }
    state_.CheckOwner();
  }

  // Creates our chain, then the base chains that enter it, then fills both: the order in which a sequence of
  // iptables commands would have made them.
  void PlanChain(const WantedChain& wanted) {
    const std::string& name = wanted.chain->name;
    const ChainState* chain = state_.Find(name);
    if (chain != nullptr && chain->base_priority) {
      throw Unfit(ErrorCode::kChainIncompatible, "it is a base chain, entered by the kernel itself", name);
    }
    if (chain == nullptr) batch_.AddChain(About(Subject::Kind::kChain, name));
    if (chain == nullptr || !HoldsExactly(*chain, wanted)) {
      if (chain != nullptr && !chain->rules.empty()) batch_.FlushChain(About(Subject::Kind::kRule, name));
      for (const WantedRule& rule : wanted.rules) {
        batch_.AddRule(About(Subject::Kind::kRule, name, rule.index), rule.rule.get());
      }
    }
    for (const WantedJump& jump : wanted_.jumps) {
      if (jump.target == name) PlanJump(jump);
    }
  }

  static bool Same(const RuleHandle& wanted, const StoredRule& installed) {
    return installed.whole && SameRule(wanted.get(), installed.handle.get());
  }

  static bool HoldsExactly(const ChainState& chain, const WantedChain& wanted) {
    if (chain.rules.size() != wanted.rules.size()) return false;
    for (size_t i = 0; i < wanted.rules.size(); ++i) {
      if (!Same(wanted.rules[i].rule, chain.rules[i])) return false;
    }
    return true;
  }

  void CheckBase(const BaseChain& base, const ChainState& chain) const {
    const bool fits =
        chain.base_priority == base.priority && chain.hook == HookNumber(base.hook) && chain.type == "nat";
    if (fits) return;
    const std::string found =
        chain.base_priority ? Describe(chain.type, chain.hook, *chain.base_priority) : "not a base chain";
    throw Unfit(ErrorCode::kChainIncompatible,
                "it is " + found + "; wanted: " + Describe("nat", HookNumber(base.hook), base.priority),
                base.name);
  }

  // A jump into our chain keeps its place, whatever else it matches; ours is added only where there is none,
  // and of several that are exactly ours one stays.
  void PlanJump(const WantedJump& jump) {
    const BaseChain& base = *jump.base;
    const ChainState* chain = state_.Find(base.name);
    bool entered = false;
    if (chain == nullptr) {
      batch_.AddBaseChain(About(Subject::Kind::kChain, base.name), base);
    } else {
      CheckBase(base, *chain);
      for (const StoredRule& rule : chain->rules) {
        if (JumpTarget(rule.handle.get()) != jump.target) continue;
        if (entered && Same(jump.rule, rule)) DeleteRule(base.name, rule);
        entered = true;
      }
    }
    if (!entered) batch_.AddRule(About(Subject::Kind::kRule, base.name, jump.index), jump.rule.get());
  }

  void DeleteRule(const std::string& chain, const StoredRule& rule) {
    batch_.DeleteRule(About(Subject::Kind::kRule, chain),
                      nftnl_rule_get_u64(rule.handle.get(), NFTNL_RULE_HANDLE));
  }

  // The kernel refuses to delete a chain that a rule still jumps to: the jumps go first.
  void PlanAbsence(const std::string& name) {
    const ChainState* chain = state_.Find(name);
    if (chain == nullptr) return;
    if (chain->base_priority) {
      throw Unfit(ErrorCode::kChainIncompatible, "it is a base chain, entered by the kernel itself", name);
    }
    for (const BaseChain& base : wanted_.ruleset->base_chains) {
      const ChainState* entrance = state_.Find(base.name);
      if (entrance == nullptr) continue;
      for (const StoredRule& rule : entrance->rules) {
        if (JumpTarget(rule.handle.get()) == name) DeleteRule(base.name, rule);
      }
    }
    if (!chain->rules.empty()) batch_.FlushChain(About(Subject::Kind::kRule, name));
    batch_.DeleteChain(About(Subject::Kind::kChain, name));
  }

  const WantedTable& wanted_;
  const TableState& state_;
  Batch& batch_;
};

}  // namespace

void PlanTable(const WantedTable& wanted, const TableState& state, Batch& batch) {
  Planner(wanted, state, batch).Plan();
}

}  // namespace sluice::nft
