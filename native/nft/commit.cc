// SPDX-License-Identifier: GPL-2.0-or-later
#include "nft/commit.h"

#include <algorithm>
#include <cerrno>
#include <set>

#include "core/error.h"
#include "core/family.h"
#include "nft/plan.h"
#include "nft/rule.h"
#include "nft/state.h"

namespace sluice::nft {
namespace {

// Answers with what the request's chains hold.
class Reader {
 public:
  Reader(const RulesetRequest& request, Inspection& inspection)
      : request_(request), inspection_(inspection) {}

  std::vector<Family> PresentFamilies() const {
    std::vector<Family> present;
    for (const InstalledFamily& family : inspection_.families) {
      if (family.present) present.push_back(family.family);
    }
    return present;
  }

  void Report(const State& state) const {
    inspection_.generation = state.generation;
    for (InstalledFamily& family : inspection_.families) {
      const TableState* table = state.Find(family.family);
      if (table != nullptr && family.present) family.chains = Chains(*table);
    }
    for (const TableState& table : state.tables) {
      const auto exists = [&](const std::string& name) { return table.Find(name) != nullptr; };
      if (!Asked(request_, table.family) && HoldsOurs(request_.ruleset, exists)) {
        inspection_.stale.push_back(table.family);
      }
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
      rules.push_back(DecodeRule(rule, table.family, table.port_sets));
      rules.back().own = own || IsOurs(request_.ruleset, JumpTarget(rule.handle.get()));
    }
    return rules;
  }

  const RulesetRequest& request_;
  Inspection& inspection_;
};

class Transaction {
 public:
  explicit Transaction(const RulesetRequest& request) : request_(request), reader_(request, result_) {}

  CommitResult Run() {
    ChooseFamilies();
    try {
      while (!Attempt()) CheckDeadline();
    } catch (Error& error) {
      // From the first batch that was, or may have been, applied an error must not say that nothing was
      // changed.
      if (sent_.empty() || error.code == ErrorCode::kVerificationFailed) throw;
      error.code = ErrorCode::kVerificationFailed;
      error.detail = "the rules were sent, but what the kernel holds could not be compared: " + error.detail;
      throw;
    }
    result_.changed = !sent_.empty();
    for (InstalledFamily& family : result_.families) family.changed = sent_.count(family.family) != 0;
    return std::move(result_);
  }

 private:
  void ChooseFamilies() {
    result_.families = sluice::ChooseFamilies(request_);
    present_ = reader_.PresentFamilies();
    for (const Table& table : request_.ruleset.tables) {
      if (std::find(present_.begin(), present_.end(), table.family) == present_.end()) continue;
      wanted_.push_back(EncodeTable<RuleHandle>(request_.ruleset, table, EncodeRule));
    }
  }

  void CheckDeadline() const {
    if (std::chrono::steady_clock::now() < request_.deadline) return;
    throw Error(ErrorCode::kTimedOut, "other programs changed the rules again and again: given up after " +
                                          std::to_string(result_.attempts) +
                                          (result_.attempts == 1 ? " attempt" : " attempts"));
  }

  // False when another writer came between: nothing was changed, start again.
  bool Attempt() {
    ++result_.attempts;
    const std::optional<State> state = ReadState(connection_, request_.ruleset, present_);
    if (!state) return false;
    Batch batch(connection_, state->generation);
    std::set<Family> changed;
    for (const WantedTable& table : wanted_) {
      const uint32_t before = batch.count();
      PlanTable(table, *state->Find(table.family), batch);
      if (batch.count() != before) changed.insert(table.family);
    }
    if (batch.empty()) {
      reader_.Report(*state);
      return true;
    }
    if (!Send(batch, changed)) return false;
    result_.messages = batch.count();
    result_.bytes = batch.size();
    const std::optional<State> after = ReadBack(state->generation);
    if (!after) return false;
    reader_.Report(*after);
    return true;
  }

  // True when the kernel applied the batch, false when the work has to start again.
  bool Send(Batch& batch, const std::set<Family>& changed) {
    const std::optional<std::vector<Refusal>> refusals = batch.Commit();
    if (!refusals || refusals->empty()) sent_.insert(changed.begin(), changed.end());
    if (!refusals) return false;  // what the kernel holds will tell
    if (refusals->empty()) return true;
    // The first refusal is the cause; those behind it may follow from it.
    const Refusal& refusal = refusals->front();
    const Subject* subject = batch.SubjectOf(refusal);
    const bool whole = subject == nullptr || subject->kind == Subject::Kind::kBatch;
    // What a batch bound to an older generation is answered (nf_tables_valid_genid).
    if (whole && refusal.error_number == ERESTART) return false;

    Error error = SystemCallError(refusal.error_number, "sendto", Describe(whole ? nullptr : subject));
    if (error.code != ErrorCode::kPermissionDenied) error.code = ErrorCode::kRefused;
    if (!whole) {
      error.family = subject->family;
      error.table = subject->table;
      error.chain = subject->chain;
      error.rule = subject->rule;
      error.part = batch.PartOf(refusal);
    }
    throw error;
  }

  static std::string Describe(const Subject* subject) {
    if (subject == nullptr) return "the kernel refused the transaction";
    switch (subject->kind) {
      case Subject::Kind::kTable:
        return "the kernel refused the table";
      case Subject::Kind::kChain:
        return "the kernel refused the chain";
      default:
        return subject->rule ? "the kernel refused a rule"
                             : "the kernel refused to remove rules of the chain";
    }
  }

  // What the kernel holds after our batch; nothing when another program changed our chains since: start
  // again.
  std::optional<State> ReadBack(uint32_t generation_before) {
    for (;;) {
      std::optional<State> state = ReadState(connection_, request_.ruleset, present_);
      if (state) {
        if (Holds(*state)) return state;
        // A commit raises the generation by one: a higher one is the work of somebody else.
        if (state->generation != generation_before + 1) return std::nullopt;
        throw Error(ErrorCode::kVerificationFailed, "the kernel took the rules, and holds others");
      }
      CheckDeadline();
    }
  }

  // Whether nothing is missing.
  bool Holds(const State& state) {
    Batch difference(connection_, state.generation);
    for (const WantedTable& table : wanted_) PlanTable(table, *state.Find(table.family), difference);
    return difference.empty();
  }

  const RulesetRequest& request_;
  CommitResult result_;
  Reader reader_;
  Connection connection_;
  std::vector<Family> present_;
  std::vector<WantedTable> wanted_;
  std::set<Family> sent_;  // families of which a batch was applied, or may have been
};

CommitResult Commit(const RulesetRequest& request) { return Transaction(request).Run(); }

Inspection Inspect(const RulesetRequest& request) {
  Inspection inspection;
  inspection.families = ChooseFamilies(request);
  const Reader reader(request, inspection);
  Connection connection;
  for (;;) {
    if (const auto state = ReadState(connection, request.ruleset, reader.PresentFamilies())) {
      reader.Report(*state);
      return inspection;
    }
    if (std::chrono::steady_clock::now() < request.deadline) continue;
    throw Error(ErrorCode::kTimedOut,
                "other programs changed the rules while they were read, again and again");
  }
}

}  // namespace

const Backend kBackend = {Commit, Inspect};

}  // namespace sluice::nft
