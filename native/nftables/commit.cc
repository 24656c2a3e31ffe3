// SPDX-License-Identifier: GPL-2.0-or-later
#include "nftables/commit.h"

#include <algorithm>
#include <utility>

#include "core/family.h"
#include "nft/rule.h"
#include "nft/transaction.h"
#include "nftables/plan.h"
#include "nftables/rule.h"
#include "nftables/state.h"

namespace sluice::nftables {
namespace {

SetType AddressesOf(Family family) { return family == Family::kIpv4 ? SetType::kIpv4 : SetType::kIpv6; }

class OwnTable : public nft::Dialect {
 public:
  OwnTable(const RulesetRequest& request, const std::vector<InstalledFamily>& families) : request_(request) {
    for (const InstalledFamily& family : families) families_.push_back(family.family);
    wanted_ = EncodeRuleset(request.ruleset, families_);
  }

  std::optional<uint32_t> Read(nft::Connection& connection) override {
    auto state = ReadState(connection, wanted_.id);
    if (!state) return std::nullopt;
    state_ = std::move(*state);
    return state_.generation;
  }

  std::set<Family> Plan(nft::Batch& batch) override {
    const uint32_t before = batch.count();
    PlanTable(wanted_, state_, batch);
    if (batch.count() == before) return {};
    return {families_.begin(), families_.end()};
  }

  void Report(Inspection& inspection) const override {
    inspection.generation = state_.generation;
    for (InstalledFamily& family : inspection.families) {
      if (!family.present) continue;
      family.chains = Chains(family.family);
      family.dormant = state_.table.dormant();
      family.sets = Sets(family.family);
    }
  }

 private:
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
  std::vector<Family> families_;
  Wanted wanted_;
  State state_;
};

CommitResult Commit(const RulesetRequest& request) {
  // First: a kernel without nf_tables is told by it.
  nft::Connection connection;
  CommitResult result;
  result.families = ChooseFamilies(request);
  OwnTable dialect(request, result.families);
  return nft::RunTransaction(request, connection, dialect, std::move(result));
}

Inspection Inspect(const RulesetRequest& request) {
  Inspection inspection;
  inspection.families = ChooseFamilies(request);
  OwnTable dialect(request, inspection.families);
  nft::Connection connection;
  return nft::RunInspection(request, connection, dialect, std::move(inspection));
}

}  // namespace

const Backend kBackend = {Commit, Inspect};

}  // namespace sluice::nftables
