// SPDX-License-Identifier: GPL-2.0-or-later
#include "nftables/commit.h"

#include <algorithm>
#include <memory>
#include <set>
#include <utility>

#include "core/family.h"
#include "nft/rule.h"
#include "nft/transaction.h"
#include "nftables/entrance.h"
#include "nftables/plan.h"
#include "nftables/rule.h"
#include "nftables/state.h"

namespace sluice::nftables {
namespace {

SetType AddressesOf(Family family) { return family == Family::kIpv4 ? SetType::kIpv4 : SetType::kIpv6; }

class OwnTable : public nft::Dialect {
 public:
  OwnTable(const RulesetRequest& request, const std::vector<InstalledFamily>& families) : request_(request) {
    std::vector<Family> asked;
    for (const InstalledFamily& family : families) {
      asked.push_back(family.family);
      if (family.present) present_.insert(family.family);
    }
    wanted_ = EncodeRuleset(request_.ruleset, asked);
    for (const Family family : kFamilies) {
      if (!Asked(request_, family) && Present(family)) wanted_.others.push_back(family);
    }
  }

  std::optional<uint32_t> Read(nft::Connection& connection) override {
    auto state = ReadState(connection, wanted_.id, request_.elsewhere);
    if (!state) return std::nullopt;
    state_ = std::move(*state);
    return state_.generation;
  }

  std::set<Family> Plan(nft::Batch& batch) override {
    if (present_.empty()) return {};
    const uint32_t before = batch.count();
    PlanTable(wanted_, state_, batch);
    if (batch.count() == before) return {};
    const std::set<Family> entered = Entered();
    std::set<Family> concerned = present_;
    if (!wanted_.chains.empty()) {
      // The chains are shared: who is not asked for, and was led there, is no longer.
      for (const Family other : wanted_.others) {
        if (entered.count(other) != 0) concerned.insert(other);
      }
    } else if (std::any_of(present_.begin(), present_.end(),
                           [&](Family family) { return entered.count(family) != 0; })) {
      for (const Family family : present_) {
        if (entered.count(family) == 0) concerned.erase(family);
      }
    }
    return concerned;
  }

  void Report(Inspection& inspection) const override {
    inspection.generation = state_.generation;
    inspection.elsewhere = state_.elsewhere;
    const std::set<Family> entered = Entered();
    for (InstalledFamily& family : inspection.families) {
      // In a table that is for the other family alone, it has nothing.
      const bool has_none = !entered.empty() && entered.count(family.family) == 0;
      if (!family.present || has_none) continue;
      family.chains = Chains(family.family);
      family.dormant = state_.table.dormant();
      family.sets = Sets(family.family);
    }
    for (const Family other : wanted_.others) {
      if (entered.count(other) != 0) inspection.stale.push_back(other);
    }
  }

 private:
  // The families that are led into chains of ours.
  std::set<Family> Entered() const {
    const auto exists = [&](const std::string& name) { return state_.table.Find(name) != nullptr; };
    if (!HoldsOurs(request_.ruleset, exists)) return {};
    return EnteredFamilies(state_.table);
  }

  std::vector<InstalledChain> Chains(Family family) const {
    std::vector<InstalledChain> chains;
    for (const BaseChain& base : request_.ruleset.base_chains) {
      const nft::ChainState* state = state_.table.Find(base.name);
      if (state == nullptr) continue;
      chains.push_back({base.name, base.hook, state->policy_accept, Rules(*state, family, false)});
    }
    for (const Chain& chain : request_.ruleset.chains) {
      const nft::ChainState* state = state_.table.Find(chain.name);
      if (state == nullptr) continue;
      chains.push_back({chain.name, std::nullopt, true, Rules(*state, family, true)});
    }
    return chains;
  }

  std::vector<InstalledRule> Rules(const nft::ChainState& chain, Family family, bool own) const {
    std::vector<InstalledRule> rules;
    for (const nft::StoredRule& stored : chain.rules) {
      DecodedRule decoded = DecodeRule(stored);
      if (decoded.family.value_or(family) != family) continue;
      decoded.rule.only = decoded.family;
      decoded.rule.own = own || IsOurs(request_.ruleset, nft::JumpTarget(stored.handle.get()));
      rules.push_back(std::move(decoded.rule));
    }
    return rules;
  }

  std::vector<Set> Sets(Family family) const {
    std::vector<Set> sets;
    for (const auto& [name, set] : state_.sets) {
      if (!set.type || !set.plain) continue;
      if (*set.type == SetType::kPorts || *set.type == AddressesOf(family))
        sets.push_back({name, *set.type, set.intervals});
    }
    return sets;
  }

  const RulesetRequest& request_;
  std::set<Family> present_;  // of those that are asked for
  Wanted wanted_;
  State state_;
};

CommitResult Commit(const RulesetRequest& request) {
  // First: a kernel without nf_tables is told by it.
  const auto connection = std::make_shared<nft::Connection>();
  CommitResult result;
  result.families = ChooseFamilies(request);
  OwnTable dialect(request, result.families);
  result = nft::RunTransaction(request, *connection, dialect, std::move(result));
  if (result.changed) result.connection = connection;
  return result;
}

Inspection Inspect(const RulesetRequest& request) {
  nft::Connection connection;
  Inspection inspection;
  inspection.families = ChooseFamilies(request);
  OwnTable dialect(request, inspection.families);
  return nft::RunInspection(request, connection, dialect, std::move(inspection));
}

}  // namespace

const Backend kBackend = {Commit, Inspect};

std::vector<Error> Rehearse(const RulesetRequest& request) {
  nft::Connection connection;
  OwnTable dialect(request, ChooseFamilies(request));
  return nft::RunRehearsal(request, connection, dialect);
}

}  // namespace sluice::nftables
