// SPDX-License-Identifier: GPL-2.0-or-later
#include "nft/transaction.h"

#include <cerrno>
#include <new>
#include <string>
#include <utility>

#include "core/error.h"
#include "core/family.h"

namespace sluice::nft {
namespace {

constexpr const char* kSentButUnknown =
    "the rules were sent, but what the kernel holds could not be compared: ";

void CheckDeadline(const RulesetRequest& request, const std::string& why) {
  if (std::chrono::steady_clock::now() >= request.deadline) throw Error(ErrorCode::kTimedOut, why);
}

// None when it is about no single message of the batch.
const Subject* MessageOf(const Batch& batch, const Refusal& refusal) {
  const Subject* subject = batch.SubjectOf(refusal);
  return subject == nullptr || subject->kind == Subject::Kind::kBatch ? nullptr : subject;
}

// What a batch bound to an older generation is answered (nf_tables_valid_genid).
bool IsOutdated(const Batch& batch, const Refusal& refusal) {
  return MessageOf(batch, refusal) == nullptr && refusal.error_number == ERESTART;
}

std::string Describe(const Subject* subject) {
  if (subject == nullptr) return "the kernel refused the transaction";
  switch (subject->kind) {
    case Subject::Kind::kTable:
      return "the kernel refused the table";
    case Subject::Kind::kSet:
      return "the kernel refused a set";
    case Subject::Kind::kChain:
      return "the kernel refused the chain";
    default:
      return subject->rule ? "the kernel refused a rule" : "the kernel refused to remove rules of the chain";
  }
}

Error ToError(const Batch& batch, const Refusal& refusal) {
  const Subject* subject = MessageOf(batch, refusal);
  Error error = SystemCallError(refusal.error_number, "sendto", Describe(subject));
  if (error.code != ErrorCode::kPermissionDenied) error.code = ErrorCode::kRefused;
  if (subject != nullptr) {
    error.family = FamilyOf(subject->table);
    error.table = subject->table.name;
    error.chain = subject->chain;
    error.set = subject->set;
    error.rule = subject->rule;
    error.part = batch.PartOf(refusal);
  }
  return error;
}

class Transaction {
 public:
  Transaction(const RulesetRequest& request, Connection& connection, Dialect& dialect, CommitResult result)
      : request_(request), connection_(connection), dialect_(dialect), result_(std::move(result)) {}

  CommitResult Run() {
    try {
      RunToTheEnd();
    } catch (const std::bad_alloc&) {
      if (sent_.empty()) throw;
      throw SentWithoutMemory();
    }
    return std::move(result_);
  }

 private:
  void RunToTheEnd() {
    try {
      while (!Attempt()) CheckDeadline();
      result_.changed = !sent_.empty();
      for (InstalledFamily& family : result_.families) family.changed = sent_.count(family.family) != 0;
      for (const Family family : sent_) {
        if (!Asked(request_, family)) result_.displaced.push_back(family);
      }
    } catch (Error& error) {
      // From the first batch that was, or may have been, applied an error must not say that nothing was
      // changed.
      if (sent_.empty() || error.code == ErrorCode::kVerificationFailed) throw;
      error.code = ErrorCode::kVerificationFailed;
      error.detail = kSentButUnknown + error.detail;
      throw;
    }
  }

  void CheckDeadline() const {
    nft::CheckDeadline(request_, "other programs changed the rules again and again: given up after " +
                                     std::to_string(result_.attempts) +
                                     (result_.attempts == 1 ? " attempt" : " attempts"));
  }

  // False when another writer came between: nothing was changed, start again.
  bool Attempt() {
    ++result_.attempts;
    const std::optional<uint32_t> generation = dialect_.Read(connection_);
    if (!generation) return false;
    Batch batch(connection_, *generation);
    const std::set<Family> changed = dialect_.Plan(batch);
    if (batch.empty()) {
      dialect_.Report(result_);
      return true;
    }
    if (!Send(batch, changed)) return false;
    result_.messages = batch.count();
    result_.bytes = batch.size();
    result_.kernel_time = batch.kernel_time();
    if (!ReadBack(*generation)) return false;
    dialect_.Report(result_);
    return true;
  }

  // True when the kernel applied the batch, false when the work has to start again.
  bool Send(Batch& batch, const std::set<Family>& changed) {
    // Before: once the kernel has worked, there may be no memory to remember it.
    std::set<Family> sent = sent_;
    sent.insert(changed.begin(), changed.end());
    const std::optional<std::vector<Refusal>> refusals = batch.Commit();
    if (!refusals || refusals->empty()) sent_.swap(sent);
    if (!refusals) return false;  // what the kernel holds will tell
    if (refusals->empty()) return true;
    // The first refusal is the cause; those behind it may follow from it.
    const Refusal& refusal = refusals->front();
    if (IsOutdated(batch, refusal)) return false;
    throw ToError(batch, refusal);
  }

  // Whether the kernel holds what is wanted after our batch; false when another program changed our chains
  // since: start again.
  bool ReadBack(uint32_t generation_before) {
    for (;;) {
      if (const std::optional<uint32_t> generation = dialect_.Read(connection_)) {
        Batch difference(connection_, *generation);
        dialect_.Plan(difference);
        if (difference.empty()) return true;
        // A commit raises the generation by one: a higher one is the work of somebody else.
        if (*generation != generation_before + 1) return false;
        throw Error(ErrorCode::kVerificationFailed, "the kernel took the rules, and holds others");
      }
      CheckDeadline();
    }
  }

  const RulesetRequest& request_;
  Connection& connection_;
  Dialect& dialect_;
  CommitResult result_;
  std::set<Family> sent_;  // families of which a batch was applied, or may have been
};

}  // namespace

CommitResult RunTransaction(const RulesetRequest& request, Connection& connection, Dialect& dialect,
                            CommitResult result) {
  return Transaction(request, connection, dialect, std::move(result)).Run();
}

std::vector<Error> RunRehearsal(const RulesetRequest& request, Connection& connection, Dialect& dialect) {
  for (;;) {
    if (const std::optional<uint32_t> generation = dialect.Read(connection)) {
      Batch batch(connection, *generation);
      dialect.Plan(batch);
      if (batch.empty()) return {};
      const std::optional<std::vector<Refusal>> refusals = batch.Rehearse();
      if (refusals && (refusals->empty() || !IsOutdated(batch, refusals->front()))) {
        std::vector<Error> errors;
        for (const Refusal& refusal : *refusals) errors.push_back(ToError(batch, refusal));
        return errors;
      }
    }
    CheckDeadline(request, "other programs changed the rules again and again");
  }
}

Inspection RunInspection(const RulesetRequest& request, Connection& connection, Dialect& dialect,
                         Inspection inspection) {
  while (!dialect.Read(connection)) {
    CheckDeadline(request, "other programs changed the rules while they were read, again and again");
  }
  dialect.Report(inspection);
  return inspection;
}

}  // namespace sluice::nft
