// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstddef>
#include <cstring>
#include <set>
#include <string_view>
#include <vector>

#include "legacy/family.h"

namespace sluice::fuzz {

// Whether the kernel could hold these entries: what it checks of a table before it takes it (translate_table,
// xt_check_entry_offsets), and what libiptc takes for granted beyond that: that they begin with a chain, and
// that behind the policy of a base chain comes another one. libiptc believes what it reads, so only this may
// come to it. What names, comments and extensions hold is anything.
template <typename Api>
class Blob {
 public:
  using Entry = typename Api::Entry;

  explicit Blob(std::vector<char>& bytes) : bytes_(bytes) {}

  // Entries that are whole, by their offsets.
  std::vector<size_t> Offsets() const {
    std::vector<size_t> offsets;
    size_t offset = 0;
    while (offset + sizeof(Entry) <= bytes_.size()) {
      const size_t next = At(offset).next_offset;
      if (next < sizeof(Entry) || next > bytes_.size() - offset || next % alignof(Entry) != 0) break;
      offsets.push_back(offset);
      offset += next;
    }
    return offsets;
  }

  bool Sound(const typename Api::Info& info) const {
    const std::vector<size_t> offsets = Offsets();
    if (offsets.empty() || offsets.back() + At(offsets.back()).next_offset != bytes_.size()) return false;
    const std::set<size_t> starts(offsets.begin(), offsets.end());
    for (size_t hook = 0; hook < NF_INET_NUMHOOKS; ++hook) {
      if ((info.valid_hooks & (1U << hook)) == 0) continue;
      if (starts.count(info.hook_entry[hook]) == 0 || starts.count(info.underflow[hook]) == 0) return false;
      if (info.underflow[hook] < info.hook_entry[hook] || !IsPolicy(info.underflow[hook])) return false;
      if (!BeginsChain(info.underflow[hook] + At(info.underflow[hook]).next_offset, info)) return false;
    }
    for (const size_t offset : offsets) {
      if (!EntrySound(offset, starts)) return false;
    }
    return BeginsChain(0, info) && IsError(offsets.back());
  }

  const Entry& At(size_t offset) const { return *reinterpret_cast<const Entry*>(&bytes_[offset]); }

 private:
  bool BeginsChain(size_t offset, const typename Api::Info& info) const {
    if (offset + sizeof(Entry) > bytes_.size()) return false;
    if (IsError(offset)) return true;
    for (size_t hook = 0; hook < NF_INET_NUMHOOKS; ++hook) {
      if ((info.valid_hooks & (1U << hook)) != 0 && info.hook_entry[hook] == offset) return true;
    }
    return false;
  }

  const xt_entry_target& Target(size_t offset) const {
    return *reinterpret_cast<const xt_entry_target*>(&bytes_[offset + At(offset).target_offset]);
  }
  bool Named(size_t offset, std::string_view name) const {
    const char* found = Target(offset).u.user.name;
    return std::string_view(found, strnlen(found, sizeof(Target(offset).u.user.name))) == name;
  }
  bool IsStandard(size_t offset) const { return TargetFits(offset) && Named(offset, XT_STANDARD_TARGET); }
  static bool IsFinal(int verdict) { return verdict == -NF_ACCEPT - 1 || verdict == -NF_DROP - 1; }

  // Behind the rules of a base chain (check_underflow): every packet, ACCEPT or DROP.
  bool IsPolicy(size_t offset) const {
    if (!IsStandard(offset) || At(offset).target_offset != sizeof(Entry)) return false;
    if (At(offset).next_offset - sizeof(Entry) < sizeof(xt_standard_target)) return false;
    const auto header = Api::Header(At(offset));
    const decltype(header) every = {};
    const int verdict = reinterpret_cast<const xt_standard_target*>(&Target(offset))->verdict;
    return memcmp(&header, &every, sizeof(header)) == 0 && IsFinal(verdict);
  }
  bool IsError(size_t offset) const { return TargetFits(offset) && Named(offset, XT_ERROR_TARGET); }

  bool TargetFits(size_t offset) const {
    const Entry& entry = At(offset);
    if (entry.target_offset < sizeof(Entry) || entry.target_offset % alignof(xt_entry_target) != 0)
      return false;
    if (entry.target_offset + sizeof(xt_entry_target) > entry.next_offset) return false;
    const size_t size = Target(offset).u.target_size;
    if (size < sizeof(xt_entry_target) || entry.target_offset + size > entry.next_offset) return false;
    return strnlen(Target(offset).u.user.name, XT_EXTENSION_MAXNAMELEN) < XT_EXTENSION_MAXNAMELEN;
  }

  bool MatchesFit(size_t offset) const {
    const size_t end = At(offset).target_offset;
    size_t at = sizeof(Entry);
    while (at != end) {
      if (at + sizeof(xt_entry_match) > end) return false;
      const size_t size = reinterpret_cast<const xt_entry_match*>(&bytes_[offset + at])->u.match_size;
      if (size < sizeof(xt_entry_match) || size > end - at || size % alignof(xt_entry_match) != 0)
        return false;
      at += size;
    }
    return true;
  }

  bool EntrySound(size_t offset, const std::set<size_t>& starts) const {
    if (!TargetFits(offset) || !MatchesFit(offset)) return false;
    const Entry& entry = At(offset);
    const size_t room = entry.next_offset - entry.target_offset;
    if (IsStandard(offset)) {
      if (room != XT_ALIGN(sizeof(xt_standard_target))) return false;
      const int verdict = reinterpret_cast<const xt_standard_target*>(&Target(offset))->verdict;
      if (verdict < 0) return IsFinal(verdict) || verdict == XT_RETURN;
      return starts.count(static_cast<size_t>(verdict)) != 0;
    }
    if (IsError(offset)) {
      const auto& error = *reinterpret_cast<const xt_error_target*>(&Target(offset));
      return room == XT_ALIGN(sizeof(xt_error_target)) &&
             strnlen(error.errorname, sizeof(error.errorname)) < sizeof(error.errorname);
    }
    return true;
  }

  std::vector<char>& bytes_;
};

}  // namespace sluice::fuzz
