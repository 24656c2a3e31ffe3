// SPDX-License-Identifier: GPL-2.0-or-later
#include "nft/commit.h"

#include <algorithm>
#include <memory>

#include "core/family.h"
#include "nft/plan.h"
#include "nft/rule.h"
#include "nft/state.h"
#include "nft/transaction.h"

namespace sluice::nft {
namespace {

// The tables of iptables, one for each family, encoded as iptables-nft does.
class IptablesDialect : public Dialect {
 public:
  IptablesDialect(const RulesetRequest& request, const std::vector<InstalledFamily>& families)
      : request_(request) {
    for (const InstalledFamily& family : families) {
      if (family.present) present_.push_back(family.family);
    }
    for (const Table& table : request.ruleset.tables) {
      if (std::find(present_.begin(), present_.end(), *table.family) == present_.end()) continue;
      wanted_.push_back(EncodeTable<RuleHandle>(request.ruleset, table, EncodeRule));
    }
  }

  std::optional<uint32_t> Read(Connection& connection) override {
    const auto is_present = [&](const TableId& table) {
      return std::find(present_.begin(), present_.end(), FamilyOf(table)) != present_.end();
    };
    auto state = ReadState(connection, request_.ruleset, is_present, request_.elsewhere);
    if (!state) return std::nullopt;
    state_ = std::move(*state);
    return state_.generation;
  }

  std::set<Family> Plan(Batch& batch) override {
    std::set<Family> changed;
    for (const WantedTable& table : wanted_) {
      const uint32_t before = batch.count();
      PlanTable(table, *state_.Find(table.family), batch);
      if (batch.count() != before) changed.insert(table.family);
    }
    return changed;
  }

  void Report(Inspection& inspection) const override {
    inspection.generation = state_.generation;
    inspection.elsewhere = state_.elsewhere;
    for (InstalledFamily& family : inspection.families) {
      const TableState* table = state_.Find(family.family);
      if (table == nullptr || !family.present) continue;
      family.chains = Chains(*table);
      family.dormant = table->dormant();
    }
    for (const TableState& table : state_.tables) {
      const auto exists = [&](const std::string& name) { return table.Find(name) != nullptr; };
      const Family family = *FamilyOf(table.id);
      if (!Asked(request_, family) && HoldsOurs(request_.ruleset, exists)) inspection.stale.push_back(family);
    }
  }

 private:
  std::vector<InstalledChain> Chains(const TableState& table) const {
    std::vector<InstalledChain> chains;
    for (const BaseChain& base : request_.ruleset.base_chains) {
      const ChainState* state = table.Find(base.name);
      if (state == nullptr) continue;
      chains.push_back({base.name, base.hook, state->policy_accept, Rules(table, *state, false)});
    }
    for (const Chain& chain : request_.ruleset.chains) {
      const ChainState* state = table.Find(chain.name);
      if (state == nullptr) continue;
      chains.push_back({chain.name, std::nullopt, true, Rules(table, *state, true)});
    }
    return chains;
  }

  std::vector<InstalledRule> Rules(const TableState& table, const ChainState& chain, bool own) const {
    std::vector<InstalledRule> rules;
    for (const StoredRule& rule : chain.rules) {
      rules.push_back(DecodeRule(rule, *FamilyOf(table.id), table.port_sets));
      rules.back().own = own || IsOurs(request_.ruleset, JumpTarget(rule.handle.get()));
    }
    return rules;
  }

  const RulesetRequest& request_;
  std::vector<Family> present_;
  std::vector<WantedTable> wanted_;
  State state_;
};

CommitResult Commit(const RulesetRequest& request) {
  // First: a kernel without nf_tables is told by it.
  const auto connection = std::make_shared<Connection>();
  CommitResult result;
  result.families = ChooseFamilies(request);
  IptablesDialect dialect(request, result.families);
  result = RunTransaction(request, *connection, dialect, std::move(result));
  if (result.changed) result.connection = connection;
  return result;
}

Inspection Inspect(const RulesetRequest& request) {
  Connection connection;
  Inspection inspection;
  inspection.families = ChooseFamilies(request);
  IptablesDialect dialect(request, inspection.families);
  return RunInspection(request, connection, dialect, std::move(inspection));
}

}  // namespace

const Backend kBackend = {Commit, Inspect};

std::vector<Error> Rehearse(const RulesetRequest& request) {
  Connection connection;
  IptablesDialect dialect(request, ChooseFamilies(request));
  return RunRehearsal(request, connection, dialect);
}

}  // namespace sluice::nft
