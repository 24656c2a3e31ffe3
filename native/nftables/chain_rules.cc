// SPDX-License-Identifier: GPL-2.0-or-later
#include "nftables/chain_rules.h"

#include <algorithm>
#include <set>

#include "nft/rule.h"

namespace sluice::nftables {

using nft::StoredRule;
using nft::Subject;

namespace {

// Where more pairs than these would have to be compared, beyond the common ends nothing is kept: a thousand
// rules against a thousand others.
constexpr size_t kMostPairs = size_t{1} << 20;

bool Same(const StoredRule& held, const WantedRule& wanted) {
  // The userdata first: comments mostly tell rules apart, and cost less to compare.
  return held.whole && nft::SameUserdata(wanted.rule.get(), held.handle.get()) &&
         nft::SameRule(wanted.rule.get(), held.handle.get());
}

uint64_t HandleOf(const StoredRule& rule) { return nftnl_rule_get_u64(rule.handle.get(), NFTNL_RULE_HANDLE); }

// For each wanted rule the held one that stays for it, or null: a longest common subsequence of both.
class Kept {
 public:
  Kept(const std::vector<StoredRule>& held, const std::vector<WantedRule>& wanted)
      : held_(held), wanted_(wanted), kept_(wanted.size(), nullptr) {
    while (first_ < std::min(held.size(), wanted.size()) && Same(held[first_], wanted[first_])) {
      kept_[first_] = &held[first_];
      ++first_;
    }
    held_end_ = held.size();
    wanted_end_ = wanted.size();
    while (std::min(held_end_, wanted_end_) > first_ && Same(held[held_end_ - 1], wanted[wanted_end_ - 1])) {
      kept_[--wanted_end_] = &held[--held_end_];
    }
    if ((held_end_ - first_) * (wanted_end_ - first_) <= kMostPairs) KeepBetween();
  }

  const std::vector<const StoredRule*>& rules() const { return kept_; }

 private:
  void KeepBetween() {
    const size_t columns = wanted_end_ - first_ + 1;
    // At [i][j]: how many the ends from the i-th and the j-th on have in common.
    std::vector<uint32_t> common((held_end_ - first_ + 1) * columns);
    const auto at = [&](size_t i, size_t j) -> uint32_t& {
      return common[(i - first_) * columns + (j - first_)];
    };
    for (size_t i = held_end_; i-- > first_;) {
      for (size_t j = wanted_end_; j-- > first_;) {
        at(i, j) = Same(held_[i], wanted_[j]) ? at(i + 1, j + 1) + 1 : std::max(at(i + 1, j), at(i, j + 1));
      }
    }
    for (size_t i = first_, j = first_; i < held_end_ && j < wanted_end_;) {
      if (at(i, j) == at(i + 1, j)) {
        ++i;
      } else if (at(i, j) == at(i, j + 1)) {
        ++j;
      } else {
        kept_[j++] = &held_[i++];
      }
    }
  }

  const std::vector<StoredRule>& held_;
  const std::vector<WantedRule>& wanted_;
  std::vector<const StoredRule*> kept_;
  size_t first_ = 0;  // between the common ends: [first_, held_end_) and [first_, wanted_end_)
  size_t held_end_ = 0;
  size_t wanted_end_ = 0;
};

}  // namespace

void PlanRules(const nft::TableId& table, const std::string& chain, const std::vector<StoredRule>& held,
               const std::vector<WantedRule>& wanted, nft::Batch& batch) {
  const auto about = [&](std::optional<size_t> rule) {
    return Subject{Subject::Kind::kRule, table, chain, rule};
  };
  const std::vector<const StoredRule*> kept = Kept(held, wanted).rules();
  const std::set<const StoredRule*> staying(kept.begin(), kept.end());
  const bool any = staying.size() > staying.count(nullptr);
  if (!any && !held.empty()) batch.FlushChain(about(std::nullopt));
  for (const StoredRule& rule : held) {
    if (any && staying.count(&rule) == 0) batch.DeleteRule(about(std::nullopt), HandleOf(rule));
  }
  for (size_t i = 0; i < wanted.size(); ++i) {
    if (kept[i] != nullptr) continue;
    // The one in front of which it comes; none: at the end.
    const auto next = std::find_if(kept.begin() + static_cast<ptrdiff_t>(i), kept.end(),
                                   [](const StoredRule* rule) { return rule != nullptr; });
    if (next == kept.end()) {
      batch.AddRule(about(wanted[i].index), wanted[i].rule.get());
    } else {
      batch.InsertRule(about(wanted[i].index), wanted[i].rule.get(), HandleOf(**next));
    }
  }
}

}  // namespace sluice::nftables
