// SPDX-License-Identifier: GPL-2.0-or-later
#include "nftables/plan.h"

#include <algorithm>
#include <set>
#include <utility>

#include "nft/request.h"
#include "nftables/entrance.h"
#include "nftables/interval_set.h"
#include "nftables/rule.h"

namespace sluice::nftables {

using nft::Batch;
using nft::Border;
using nft::ChainState;
using nft::Subject;

namespace {

class Planner {
 public:
  Planner(const Wanted& wanted, const State& state, Batch& batch)
      : wanted_(wanted), state_(state), batch_(batch) {}

  void Plan() {
    const nft::TableState& table = state_.table;
    table.CheckOwner();
    if (wanted_.chains.empty()) return PlanAbsence();
    if (table.exists && !Fits()) {
      batch_.DeleteTable(About(Subject::Kind::kTable));
      State nothing;
      nothing.generation = state_.generation;
      nothing.table.id = wanted_.id;
      Planner(wanted_, nothing, batch_).Plan();
      return;
    }
    if (!table.exists) batch_.AddTable(About(Subject::Kind::kTable));
    for (const Set& set : wanted_.sets) PlanSet(set);
    AddChains();
    for (const WantedChain& wanted : wanted_.chains) {
      static const std::vector<nft::StoredRule> kNone;
      const ChainState* chain = Find(wanted.name);
      PlanRules(wanted_.id, wanted.name, chain == nullptr ? kNone : chain->rules, wanted.rules, batch_);
    }
    DeleteRest();
  }

 private:
  Subject About(Subject::Kind kind, const std::string& chain = "") const {
    return {kind, wanted_.id, chain, std::nullopt};
  }
  Subject AboutSet(const std::string& name) const {
    return {Subject::Kind::kSet, wanted_.id, "", std::nullopt, name};
  }

  const ChainState* Find(const std::string& name) const { return state_.table.Find(name); }

  // The chains are shared: for a family that stays the table stays, and the others are no longer led there.
  void PlanAbsence() {
    if (!state_.table.exists) return;
    const std::set<Family> entered = EnteredFamilies(state_.table);
    const auto stays = std::find_if(wanted_.others.begin(), wanted_.others.end(),
                                    [&](Family family) { return entered.count(family) != 0; });
    if (stays == wanted_.others.end()) {
      batch_.DeleteTable(About(Subject::Kind::kTable));
    } else if (wanted_.others.size() == 1) {
      RestrictEntrances(state_.table, *stays, batch_);
    }
  }

  // Whether the table can become the wanted one in place: what has names of ours is of the right kind, and
  // nothing else is there but sets that an earlier run has made. What others have put in might hold on to a
  // chain or set that has to go, or see packets before our rules do.
  bool Fits() const {
    if (state_.table.dormant() || state_.others) return false;
    return std::all_of(state_.sets.begin(), state_.sets.end(),
                       [&](const auto& item) {
                         return item.second.type && FitsSet(item.first, *item.second.type);
                       }) &&
           std::all_of(state_.table.chains.begin(), state_.table.chains.end(),
                       [&](const auto& item) { return FitsChain(item.first, item.second); });
  }

  bool FitsSet(const std::string& name, SetType type) const {
    return std::all_of(wanted_.sets.begin(), wanted_.sets.end(),
                       [&](const Set& set) { return set.name != name || set.type == type; });
  }

  bool FitsChain(const std::string& name, const ChainState& chain) const {
    const auto wanted = std::find_if(wanted_.chains.begin(), wanted_.chains.end(),
                                     [&](const WantedChain& known) { return known.name == name; });
    if (wanted == wanted_.chains.end()) {
      const std::vector<std::string>& absent = wanted_.absent_chains;
      return std::find(absent.begin(), absent.end(), name) != absent.end();
    }
    if (wanted->base == nullptr) return !chain.base_priority;
    return chain.base_priority == wanted->base->priority && chain.type == "nat" &&
           chain.hook == nft::HookNumber(wanted->base->hook) && chain.policy_accept;
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
  Wanted wanted{nft::IdOf(ruleset.tables.at(0)), ruleset.sets, {}, ruleset.absent_chains, {}};
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
