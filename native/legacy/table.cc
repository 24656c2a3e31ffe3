// SPDX-License-Identifier: GPL-2.0-or-later
#include "legacy/table.h"

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <optional>

#include "core/error.h"
#include "legacy/family.h"

namespace sluice::legacy {
namespace {

// libiptc sets errno to -ENOMEM where the chains of a table find no memory.
int LastError() { return std::abs(errno); }

Error OpenError(int error_number, Family family, const std::string& name) {
  const std::string system = family == Family::kIpv4 ? "ip_tables" : "ip6_tables";
  Error error = SystemCallError(error_number, "getsockopt", "cannot read the table");
  // nf_sockopt_find and xt_find_table_lock; a raw socket of a family that the kernel lacks.
  if (error_number == ENOPROTOOPT || error_number == EAFNOSUPPORT || error_number == EPROTONOSUPPORT) {
    error.code = ErrorCode::kModeUnavailable;
    error.detail = "this kernel has no " + system;
  } else if (error_number == ENOENT) {
    error.code = ErrorCode::kModeUnavailable;
    error.detail = "this kernel's " + system + " has no such table";
  }
  error.family = family;
  error.table = name;
  return error;
}

template <typename Api>
class TableOf final : public Table {
 public:
  explicit TableOf(const std::string& name) : Table(Api::kFamily, name), handle_(Open(name)) {}

  bool HasChain(const std::string& chain) const override {
    return Api::IsChain(chain.c_str(), handle_.get()) != 0;
  }

  bool IsBaseChain(const std::string& chain) const override {
    return Api::IsBuiltin(chain.c_str(), handle_.get()) != 0;
  }

  bool PolicyAccepts(const std::string& base_chain) const override {
    xt_counters counters{};
    const char* policy = Api::Policy(base_chain.c_str(), &counters, handle_.get());
    return policy != nullptr && strcmp(policy, IPTC_LABEL_ACCEPT) == 0;
  }

  std::vector<EntryView> Rules(const std::string& chain) const override {
    std::vector<EntryView> rules;
    for (const auto* entry = Api::FirstRule(chain.c_str(), handle_.get()); entry != nullptr;
         entry = Api::NextRule(entry, handle_.get())) {
      const char* target = Api::Target(entry, handle_.get());
      rules.push_back({reinterpret_cast<const char*>(entry), target == nullptr ? "" : target});
    }
    return rules;
  }

  void CreateChain(const std::string& chain) override {
    if (Api::CreateChain(chain.c_str(), handle_.get()) == 0) {
      throw ChangeError("cannot make the chain", chain);
    }
  }

  void FlushChain(const std::string& chain) override {
    if (Api::FlushEntries(chain.c_str(), handle_.get()) == 0) {
      throw ChangeError("cannot empty the chain", chain);
    }
  }

  void DeleteChain(const std::string& chain) override {
    if (Api::DeleteChain(chain.c_str(), handle_.get()) == 0) {
      throw ChangeError("cannot delete the chain", chain);
    }
  }

  void Append(const std::string& chain, const EncodedEntry& entry, size_t rule) override {
    const auto* typed = reinterpret_cast<const typename Api::Entry*>(entry.data());
    if (Api::AppendEntry(chain.c_str(), typed, handle_.get()) == 0) {
      throw ChangeError("cannot add a rule", chain, rule);
    }
  }

  void DeleteRule(const std::string& chain, size_t position) override {
    const auto number = static_cast<unsigned int>(position);  // libiptc counts from 0 here
    if (Api::DeleteNumEntry(chain.c_str(), number, handle_.get()) == 0) {
      throw ChangeError("cannot delete a rule", chain);
    }
  }

  int Commit() noexcept override {
    KeepPolicyCounters();
    errno = 0;
    if (Api::Commit(handle_.get()) != 0) return 0;
    return errno != 0 ? LastError() : EIO;
  }

 private:
  struct Free {
    void operator()(xtc_handle* handle) const { Api::Free(handle); }
  };
  using Handle = std::unique_ptr<xtc_handle, Free>;

  static Handle Open(const std::string& name) {
    // Where it has no memory for the rest, libiptc goes on with a part of the table, and nothing but errno
    // says so (parse_table in libiptc.c). An allocation that finds memory elsewhere leaves that, too, but
    // hardly twice.
    for (int attempt = 1;; ++attempt) {
      errno = 0;
      Handle handle(Api::Init(name.c_str()));
      if (handle != nullptr && LastError() != ENOMEM) return handle;
      if (handle == nullptr || attempt == 2) throw OpenError(LastError(), Api::kFamily, name);
    }
  }

  // Allocates nothing. libiptc keeps the counters of rules; up to 1.8.10 it zeroes those of base chains whose
  // policy nobody has set.
  void KeepPolicyCounters() {
    for (const char* chain = Api::FirstChain(handle_.get()); chain != nullptr;
         chain = Api::NextChain(handle_.get())) {
      if (Api::IsBuiltin(chain, handle_.get()) == 0) continue;
      xt_counters counters{};
      const char* policy = Api::Policy(chain, &counters, handle_.get());
      if (policy != nullptr) Api::SetPolicy(chain, policy, &counters, handle_.get());
    }
  }

  Error ChangeError(const char* what, const std::string& chain, std::optional<size_t> rule = {}) const {
    const int error_number = LastError();
    Error error(error_number == ENOMEM ? ErrorCode::kSystemCallFailed : ErrorCode::kRefused, what);
    error.error_number = error_number;
    error.family = family();
    error.table = name();
    error.chain = chain;
    error.rule = rule;
    return error;
  }

  Handle handle_;
};

}  // namespace

std::unique_ptr<Table> Table::Open(Family family, const std::string& name) {
  // The analyzer loses sight of the pointer within what is returned.
  // NOLINTNEXTLINE(clang-analyzer-cplusplus.NewDeleteLeaks)
  return ForFamily(family, [&](auto api) -> std::unique_ptr<Table> {
    return std::make_unique<TableOf<decltype(api)>>(name);
  });
}

}  // namespace sluice::legacy
