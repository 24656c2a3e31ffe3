// SPDX-License-Identifier: GPL-2.0-or-later
#include "legacy/commit.h"

#include <algorithm>
#include <cerrno>
#include <mutex>
#include <new>

#include "core/error.h"
#include "core/family.h"
#include "core/legacy_tables.h"
#include "core/namespace.h"
#include "legacy/lock.h"
#include "legacy/plan.h"
#include "legacy/snapshot.h"

namespace sluice::legacy {
namespace {

using Tables = std::vector<std::unique_ptr<Table>>;

// libiptc has global variables. Held only while the kernel works, never while something is waited for.
std::mutex& LibraryMutex() {
  static std::mutex mutex;
  return mutex;
}

std::vector<InstalledRule> Rules(const Table& table, const std::string& chain, const Ruleset& ruleset) {
  std::vector<InstalledRule> rules;
  for (const EntryView& entry : table.Rules(chain)) {
    rules.push_back(DecodeEntry(entry, table.family()));
    rules.back().own = IsOurs(ruleset, chain) || IsOurs(ruleset, JumpTarget(entry, table.family()));
  }
  return rules;
}

std::vector<InstalledChain> Chains(const Table& table, const Ruleset& ruleset) {
  std::vector<InstalledChain> chains;
  for (const BaseChain& base : ruleset.base_chains) {
    if (!table.IsBaseChain(base.name)) continue;
    chains.push_back(
        {base.name, base.hook, table.PolicyAccepts(base.name), Rules(table, base.name, ruleset)});
  }
  for (const Chain& chain : ruleset.chains) {
    if (!table.HasChain(chain.name)) continue;
    chains.push_back({chain.name, std::nullopt, true, Rules(table, chain.name, ruleset)});
  }
  return chains;
}

void Report(const Tables& tables, const Ruleset& ruleset, Inspection& inspection) {
  for (InstalledFamily& family : inspection.families) {
    for (const auto& table : tables) {
      if (table->family() == family.family) family.chains = Chains(*table, ruleset);
    }
  }
}

// Families that were not asked for are only looked at, and only where looking makes no table.
void LookAtOthers(const RulesetRequest& request, Inspection& inspection) {
  for (const sluice::Table& table : request.ruleset.tables) {
    const Family family = *table.family;
    if (Asked(request, family)) continue;
    const Registered registered = LegacyTable(family, table.name).registered;
    if (registered == Registered::kUnknown) inspection.unseen.push_back(family);
    if (registered != Registered::kYes) continue;
    const auto opened = Table::Open(family, table.name);
    const auto exists = [&](const std::string& name) { return opened->HasChain(name); };
    if (HoldsOurs(request.ruleset, exists)) inspection.stale.push_back(family);
  }
}

// A lack of memory is an Error like others, of which can be said what was done before.
template <typename Work>
void WithMemory(const Work& work) {
  try {
    work();
  } catch (const std::bad_alloc&) {
    throw OutOfMemory();
  }
}

// What reading a table takes in any case.
constexpr size_t kReserve = size_t{64} << 10;

class Transaction {
 public:
  explicit Transaction(const RulesetRequest& request) : request_(request) {}

  CommitResult Run() {
    Prepare();
    const XtablesLock lock(request_.lock_file, request_.deadline);
    try {
      while (!Attempt()) CheckDeadline();
    } catch (const std::bad_alloc&) {
      if (!writing_) throw;
      throw SentWithoutMemory();
    }
    return std::move(result_);
  }

  // In a namespace that nobody else can enter.
  void RunUnlocked() {
    Prepare();
    while (!Attempt()) CheckDeadline();
  }

 private:
  void Prepare() {
    result_.families = ChooseFamilies(request_);
    for (const sluice::Table& table : request_.ruleset.tables) {
      const InstalledFamily* family = Find(*table.family);
      if (family != nullptr && family->present) {
        wanted_.push_back(EncodeTable<EncodedEntry>(request_.ruleset, table, EncodeEntry));
      }
    }
    // The order in which they are written.
    std::sort(wanted_.begin(), wanted_.end(),
              [](const WantedTable& a, const WantedTable& b) { return a.family > b.family; });
  }

  InstalledFamily* Find(Family family) {
    const auto found = std::find_if(result_.families.begin(), result_.families.end(),
                                    [&](const InstalledFamily& item) { return item.family == family; });
    return found == result_.families.end() ? nullptr : &*found;
  }

  void CheckDeadline() const {
    if (std::chrono::steady_clock::now() < request_.deadline) return;
    throw Error(
        ErrorCode::kTimedOut,
        "other programs, which do not take the xtables lock, changed the rules again and again: given "
        "up after " +
            std::to_string(result_.attempts) + (result_.attempts == 1 ? " attempt" : " attempts"));
  }

  // A table that has to be written, and what to put back.
  struct Change {
    const WantedTable* wanted;
    Table* table;
    std::unique_ptr<Snapshot> before;
  };

  // False when a program that takes no lock came between: nothing was changed, start again.
  bool Attempt() {
    ++result_.attempts;
    const std::lock_guard<std::mutex> guard(LibraryMutex());
    const Tables tables = OpenTables();
    if (result_.attempts == 1) LookAtOthers(request_, result_);
    std::vector<Change> changes;
    for (size_t i = 0; i < tables.size(); ++i) {
      if (Apply(wanted_[i], *tables[i])) changes.push_back({&wanted_[i], tables[i].get(), nullptr});
    }
    if (changes.empty()) {
      Report(tables, request_.ruleset, result_);
      return true;
    }
    if (!Write(changes)) return false;
    ReadBack();
    return true;
  }

  // In the order of wanted_.
  Tables OpenTables() const {
    Tables tables;
    for (const WantedTable& wanted : wanted_) tables.push_back(Table::Open(wanted.family, wanted.name));
    return tables;
  }

  bool Write(std::vector<Change>& changes) {
    size_t size = 0;
    for (Change& change : changes) {
      change.before = Snapshot::Take(change.table->family(), change.table->name());
      size += change.before->size();
    }
    reserve_.reset(new char[kReserve + 8 * size]);
    const auto start = std::chrono::steady_clock::now();
    writing_ = true;
    for (size_t i = 0; i < changes.size(); ++i) {
      const int error_number = changes[i].table->Commit();
      if (error_number == 0) continue;
      reserve_.reset();
      RollBack(changes, i, error_number);
      writing_ = false;
      if (error_number == EAGAIN) return false;
      Error error = SystemCallError(error_number, "setsockopt", "the kernel refused the rules");
      if (error.code != ErrorCode::kPermissionDenied) error.code = ErrorCode::kRefused;
      error.family = changes[i].table->family();
      error.table = changes[i].table->name();
      throw error;
    }
    reserve_.reset();
    result_.kernel_time =
        std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::steady_clock::now() - start);
    result_.changed = true;
    result_.messages = static_cast<uint32_t>(changes.size());
    for (const Change& change : changes) Find(change.table->family())->changed = true;
    return true;
  }

  // First those that are known to be in force.
  static void RollBack(const std::vector<Change>& changes, size_t failed, int cause) {
    const auto what_failed = [&] {
      return std::string("the rules of ") + Name(changes[failed].table->family()) +
             " failed (the kernel refused the rules, " + ErrnoName(cause) + "), and ";
    };
    try {
      WithMemory([&] {
        for (size_t i = 0; i < failed; ++i) changes[i].before->Restore();
      });
    } catch (Error& error) {
      error.code = ErrorCode::kRollbackFailed;
      error.detail = what_failed() + "this family, which has the new ones, stays so: " + error.detail;
      throw;
    }
    try {
      WithMemory([&] {
        if (InForce(changes[failed])) changes[failed].before->Restore();
      });
    } catch (Error& error) {
      error.code = ErrorCode::kRollbackFailed;
      error.detail =
          what_failed() + "whether the kernel holds them all the same is not known: " + error.detail;
      throw;
    }
  }

  // Whether the rules are there although libiptc's commit failed: its second system call only puts the
  // counters back. If they are not, what is there may be the work of a program that takes no lock, and stays.
  static bool InForce(const Change& change) {
    return !Apply(*change.wanted, *Table::Open(change.table->family(), change.table->name()));
  }

  void ReadBack() {
    try {
      const Tables tables = OpenTables();
      for (size_t i = 0; i < tables.size(); ++i) {
        if (!Apply(wanted_[i], *tables[i])) continue;
        throw Error(ErrorCode::kVerificationFailed, "the kernel took the rules, and holds others");
      }
      Report(tables, request_.ruleset, result_);
    } catch (Error& error) {
      if (error.code == ErrorCode::kVerificationFailed) throw;
      error.code = ErrorCode::kVerificationFailed;
      error.detail = "the rules were sent, but what the kernel holds could not be compared: " + error.detail;
      throw;
    }
  }

  const RulesetRequest& request_;
  std::vector<WantedTable> wanted_;
  CommitResult result_;
  bool writing_ = false;  // from the first table until all is known to be as before
  // What rolling back takes, should there be no memory by then: the tables as read and as libiptc has them.
  // It is not touched, so that it costs none.
  std::unique_ptr<char[]> reserve_;
};

CommitResult Commit(const RulesetRequest& request) { return Transaction(request).Run(); }

// Opens only tables that exist: anything else would make them.
Inspection Inspect(const RulesetRequest& request) {
  Inspection inspection;
  inspection.families = ChooseFamilies(request);
  const std::lock_guard<std::mutex> guard(LibraryMutex());
  Tables tables;
  for (const sluice::Table& table : request.ruleset.tables) {
    const Family family = *table.family;
    if (!Asked(request, family)) continue;
    const Registration registration = LegacyTable(family, table.name);
    if (registration.registered == Registered::kUnknown) {
      Error error = SystemCallError(registration.error_number, "open",
                                    "cannot see whether ip_tables has the table without making it");
      error.code = ErrorCode::kPermissionDenied;
      error.family = family;
      error.table = table.name;
      throw error;
    }
    if (registration.registered == Registered::kYes) tables.push_back(Table::Open(family, table.name));
  }
  LookAtOthers(request, inspection);
  Report(tables, request.ruleset, inspection);
  return inspection;
}

}  // namespace

const Backend kBackend = {Commit, Inspect};

// Whoever makes a namespace has all rights there, and the users of his own: of this one that says nothing.
constexpr const char* kForeign =
    "the network namespace belongs to another user namespace, as none that is made to try in would";

std::vector<Error> Rehearse(const RulesetRequest& request) {
  std::vector<Error> errors;
  const auto attempt = [&](const auto& work) {
    try {
      work();
    } catch (const Error& error) {
      errors.push_back(error);
    }
  };
  attempt([&] { CheckLock(request.lock_file, request.deadline); });
  attempt([&] {
    if (IsForeignNamespace()) throw Error(ErrorCode::kNamespace, kForeign);
    RunInNewNamespace([&] { Transaction(request).RunUnlocked(); });
  });
  return errors;
}

}  // namespace sluice::legacy
