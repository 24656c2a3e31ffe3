// SPDX-License-Identifier: GPL-2.0-or-later
#include "legacy/snapshot.h"

#include <sys/socket.h>

#include <cerrno>
#include <cstddef>
#include <cstring>
#include <vector>

#include "core/error.h"
#include "core/file_descriptor.h"
#include "legacy/family.h"

namespace sluice::legacy {
namespace {

// The kernel's answers: IPT_SO_GET_INFO and IPT_SO_GET_ENTRIES (net/ipv4/netfilter/ip_tables.c).
template <typename Api>
struct Contents {
  typename Api::Info info{};
  std::vector<char> entries;  // info.size bytes

  // Calls `each(entry)` for the entries, as long as they are whole.
  template <typename Each>
  void ForEachEntry(const Each& each) {
    using Entry = typename Api::Entry;
    size_t offset = 0;
    while (offset + sizeof(Entry) <= entries.size()) {
      auto& entry = *reinterpret_cast<Entry*>(&entries[offset]);
      if (entry.next_offset < sizeof(Entry)) return;
      each(entry);
      offset += entry.next_offset;
    }
  }

  std::vector<xt_counters> TakeCounters() {
    std::vector<xt_counters> counters;
    ForEachEntry([&](typename Api::Entry& entry) {
      counters.push_back(entry.counters);
      entry.counters = {};
    });
    return counters;
  }
};

template <typename Api>
class SnapshotOf final : public Snapshot {
 public:
  explicit SnapshotOf(const std::string& table)
      : table_(table), socket_(socket(Api::kDomain, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_RAW)) {
    if (!socket_.valid()) throw Failed("socket", "cannot open a raw socket");
    before_ = Read();
    counters_ = before_.TakeCounters();
  }

  size_t size() const override { return before_.entries.size(); }

  void Restore() override {
    Contents<Api> now = Read();
    now.TakeCounters();
    if (now.entries == before_.entries) return;
    Replace(now.info.num_entries);
    AddCounters();
  }

 private:
  Error Failed(const char* syscall, const char* what) const {
    Error error = SystemCallError(errno, syscall, what);
    error.family = Api::kFamily;
    error.table = table_;
    return error;
  }

  template <size_t size>
  void CopyName(char (&field)[size]) const {
    strncpy(field, table_.c_str(), size - 1);
  }

  Contents<Api> Read() const {
    for (;;) {
      Contents<Api> contents;
      CopyName(contents.info.name);
      socklen_t length = sizeof(contents.info);
      if (getsockopt(socket_.get(), Api::kLevel, Api::kGetInfo, &contents.info, &length) != 0) {
        throw Failed("getsockopt", "cannot read the table");
      }
      constexpr size_t kHead = offsetof(typename Api::Entries, entrytable);
      std::vector<char> buffer(kHead + contents.info.size);
      auto& request = *reinterpret_cast<typename Api::Entries*>(buffer.data());
      CopyName(request.name);
      request.size = contents.info.size;
      length = static_cast<socklen_t>(buffer.size());
      if (getsockopt(socket_.get(), Api::kLevel, Api::kGetEntries, &request, &length) == 0) {
        contents.entries.assign(buffer.begin() + kHead, buffer.end());
        return contents;
      }
      // The table's size changed between the two: a program that takes no lock.
      if (errno != EAGAIN) throw Failed("getsockopt", "cannot read the table's entries");
    }
  }

  // `entries_now`: how many the kernel holds, whose counters it wants to give back.
  void Replace(unsigned int entries_now) const {
    using Replace = typename Api::Replace;
    constexpr size_t kHead = offsetof(Replace, entries);
    std::vector<char> buffer(kHead + before_.entries.size());
    std::vector<xt_counters> given_back(entries_now);
    auto& request = *reinterpret_cast<Replace*>(buffer.data());
    CopyName(request.name);
    request.valid_hooks = before_.info.valid_hooks;
    request.num_entries = before_.info.num_entries;
    request.size = before_.info.size;
    memcpy(request.hook_entry, before_.info.hook_entry, sizeof(request.hook_entry));
    memcpy(request.underflow, before_.info.underflow, sizeof(request.underflow));
    request.num_counters = entries_now;
    request.counters = given_back.data();
    memcpy(&buffer[kHead], before_.entries.data(), before_.entries.size());
    if (setsockopt(socket_.get(), Api::kLevel, Api::kSetReplace, &request,
                   static_cast<socklen_t>(buffer.size())) != 0) {
      throw Failed("setsockopt", "cannot put the table back");
    }
  }

  void AddCounters() const {
    constexpr size_t kHead = offsetof(xt_counters_info, counters);
    std::vector<char> buffer(kHead + counters_.size() * sizeof(xt_counters));
    auto& request = *reinterpret_cast<xt_counters_info*>(buffer.data());
    CopyName(request.name);
    request.num_counters = static_cast<unsigned int>(counters_.size());
    memcpy(&buffer[kHead], counters_.data(), counters_.size() * sizeof(xt_counters));
    if (setsockopt(socket_.get(), Api::kLevel, Api::kSetAddCounters, &request,
                   static_cast<socklen_t>(buffer.size())) != 0) {
      throw Failed("setsockopt", "cannot put the table's counters back");
    }
  }

  std::string table_;
  FileDescriptor socket_;
  Contents<Api> before_;               // its counters are zero
  std::vector<xt_counters> counters_;  // one for each entry
};

}  // namespace

std::unique_ptr<Snapshot> Snapshot::Take(Family family, const std::string& table) {
  return ForFamily(family, [&](auto api) -> std::unique_ptr<Snapshot> {
    return std::make_unique<SnapshotOf<decltype(api)>>(table);
  });
}

}  // namespace sluice::legacy
