// SPDX-License-Identifier: GPL-2.0-or-later
#include "nftables/plan.h"

#include <linux/netfilter/nf_tables.h>

#include <algorithm>
#include <utility>

#include "core/error.h"
#include "nft/request.h"
#include "nft/rule.h"
#include "nftables/interval_set.h"
#include "nftables/rule.h"

namespace sluice::nftables {

using nft::Batch;
using nft::Border;
using nft::ChainState;
using nft::StoredRule;
using nft::Subject;

namespace {

// Since kernel 5.12; not in the headers of older distributions.
constexpr uint32_t kTableOwned = 0x2;  // NFT_TABLE_F_OWNER

class Planner {
 public:
  Planner(const Wanted& wanted, const State& state, Batch& batch)
      : wanted_(wanted), state_(state), batch_(batch) {}

  void Plan() {
    const nft::TableState& table = state_.table;
    if ((table.flags & kTableOwned) != 0) {
      Error error(ErrorCode::kTableOwned, "another process owns it");
      error.table = wanted_.id.name;
      throw error;
    }
    if (wanted_.chains.empty()) {
      if (table.exists) batch_.DeleteTable(About(Subject::Kind::kTable, ""));
      return;
    }
    if (table.exists && !Fits()) {
      batch_.DeleteTable(About(Subject::Kind::kTable, ""));
      const State nothing{state_.generation, {wanted_.id, false, 0, {}, {}}, {}};
      Planner(wanted_, nothing, batch_).Plan();
      return;
    }
    if (!table.exists) batch_.AddTable(About(Subject::Kind::kTable, ""));
    for (const Set& set : wanted_.sets) PlanSet(set);
    AddChains();
    FillChains();
    DeleteRest();
  }

 private:
  Subject About(Subject::Kind kind, const std::string& name, std::optional<size_t> rule = {}) const {
    return {kind, wanted_.id, name, rule};
  }
  Subject AboutSet(const std::string& name) const {
    return {Subject::Kind::kSet, wanted_.id, "", std::nullopt, name};
  }

  const ChainState* Find(const std::string& name) const { return state_.table.Find(name); }

  // Whether what has names of ours is of the right kind.
  bool Fits() const {
    if (state_.table.dormant()) return false;
    for (const Set& set : wanted_.sets) {
      const auto found = state_.sets.find(set.name);
      if (found != state_.sets.end() && found->second.type != set.type) return false;
    }
    return std::all_of(wanted_.chains.begin(), wanted_.chains.end(), [&](const WantedChain& wanted) {
      const ChainState* chain = Find(wanted.name);
      if (chain == nullptr) return true;
      if (wanted.base == nullptr) return !chain->base_priority;
      return chain->base_priority == wanted.base->priority && chain->type == "nat" &&
             chain->hook == nft::HookNumber(wanted.base->hook) && chain->policy_accept;
    });
  }

  void PlanSet(const Set& set) {
    const Subject subject = AboutSet(set.name);
    const auto found = state_.sets.find(set.name);
    if (found == state_.sets.end()) {
      batch_.AddSet(subject, set.type);
      Fill(subject, set);
      return;
    }
    const SetState& held = found->second;
    if (!held.plain) {
      batch_.FlushSet(subject);
      Fill(subject, set);
      return;
    }
    // The leading border goes before an interval that begins at zero comes, and the other way round.
    const bool leads = Leads(set.intervals);
    std::vector<Border> gone = BordersOf(Difference(held.intervals, set.intervals), set.type);
    if (held.leads && !leads) gone.push_back(LeadingBorder());
    if (!gone.empty()) batch_.DeleteElements(subject, set.type, gone);
    std::vector<Border> added = BordersOf(Difference(set.intervals, held.intervals), set.type);
    if (leads && !held.leads) added.insert(added.begin(), LeadingBorder());
    if (!added.empty()) batch_.AddElements(subject, set.type, added);
  }

  void Fill(const Subject& subject, const Set& set) {
    std::vector<Border> borders = BordersOf(set.intervals, set.type);
    if (Leads(set.intervals)) borders.insert(borders.begin(), LeadingBorder());
    if (!borders.empty()) batch_.AddElements(subject, set.type, borders);
  }

  void AddChains() {
    for (const WantedChain& wanted : wanted_.chains) {
      if (Find(wanted.name) != nullptr) continue;
      const Subject subject = About(Subject::Kind::kChain, wanted.name);
      if (wanted.base != nullptr) {
        batch_.AddBaseChain(subject, *wanted.base);
      } else {
        batch_.AddChain(subject);
      }
    }
  }

  void FillChains() {
    for (const WantedChain& wanted : wanted_.chains) {
      const ChainState* chain = Find(wanted.name);
      if (chain != nullptr && HoldsExactly(*chain, wanted)) continue;
      if (chain != nullptr && !chain->rules.empty())
        batch_.FlushChain(About(Subject::Kind::kRule, wanted.name));
      for (const WantedRule& rule : wanted.rules) {
        batch_.AddRule(About(Subject::Kind::kRule, wanted.name, rule.index), rule.rule.get());
      }
    }
  }

  static bool HoldsExactly(const ChainState& chain, const WantedChain& wanted) {
    return std::equal(chain.rules.begin(), chain.rules.end(), wanted.rules.begin(), wanted.rules.end(),
                      [](const StoredRule& held, const WantedRule& rule) {
                        return held.whole && nft::SameRule(rule.rule.get(), held.handle.get()) &&
                               nft::SameUserdata(rule.rule.get(), held.handle.get());
                      });
  }

  // Jumps before the chains that they lead to, rules before the sets that they look up.
  void DeleteRest() {
    std::vector<std::string> gone;
    for (const std::string& name : wanted_.absent_chains) {
      if (Find(name) != nullptr) gone.push_back(name);
    }
    for (const std::string& name : gone) {
      if (!Find(name)->rules.empty()) batch_.FlushChain(About(Subject::Kind::kRule, name));
    }
    for (const std::string& name : gone) batch_.DeleteChain(About(Subject::Kind::kChain, name));
    for (const auto& [name, set] : state_.sets) {
      const auto is_it = [&name = name](const Set& wanted) { return wanted.name == name; };
      if (std::any_of(wanted_.sets.begin(), wanted_.sets.end(), is_it)) continue;
      batch_.DeleteSet(AboutSet(name));
    }
  }

  const Wanted& wanted_;
  const State& state_;
  Batch& batch_;
};

std::vector<WantedRule> EncodeRules(const std::vector<Rule>& rules, const std::vector<Family>& families,
                                    std::optional<Family> only) {
  std::vector<WantedRule> encoded;
  for (size_t i = 0; i < rules.size(); ++i) {
    const bool stands =
        std::any_of(families.begin(), families.end(), [&](Family family) { return rules[i].In(family); });
    if (stands) encoded.push_back({i, EncodeRule(rules[i], only)});
  }
  return encoded;
}

}  // namespace

Wanted EncodeRuleset(const Ruleset& ruleset, const std::vector<Family>& families) {
  // Of one family alone, only the entrances say so.
  const std::optional<Family> only = families.size() == 1 ? std::optional<Family>(families[0]) : std::nullopt;
  Wanted wanted{nft::IdOf(ruleset.tables.at(0)), ruleset.sets, {}, ruleset.absent_chains};
  for (const BaseChain& base : ruleset.base_chains) {
    if (base.jumps.empty()) {
      wanted.absent_chains.insert(wanted.absent_chains.begin(), base.name);
    } else {
      wanted.chains.push_back({base.name, &base, EncodeRules(base.jumps, families, only)});
    }
  }
  for (const Chain& chain : ruleset.chains) {
    wanted.chains.push_back({chain.name, nullptr, EncodeRules(chain.rules, families, std::nullopt)});
  }
  return wanted;
}

void PlanTable(const Wanted& wanted, const State& state, Batch& batch) {
  Planner(wanted, state, batch).Plan();
}

}  // namespace sluice::nftables
