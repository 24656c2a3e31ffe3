// SPDX-License-Identifier: GPL-2.0-or-later
#include "nftables/entrance.h"

#include <string>
#include <utility>

#include "core/error.h"
#include "nft/rule.h"
#include "nftables/rule.h"

namespace sluice::nftables {
namespace {

// Calls `each(name of the chain, rule)` for every jump and goto of a base chain.
template <typename Each>
void ForEachEntrance(const nft::TableState& table, Each each) {
  for (const auto& [name, chain] : table.chains) {
    if (!chain.base_priority) continue;
    for (const nft::StoredRule& rule : chain.rules) {
      if (!nft::JumpTarget(rule.handle.get()).empty()) each(name, rule);
    }
  }
}

// The same rule, for one family alone.
nft::RuleHandle Narrowed(const DecodedRule& decoded, Family only) {
  const InstalledRule& rule = decoded.rule;
  return EncodeRule({{true, true}, rule.matches, rule.verdict, rule.comment}, only);
}

}  // namespace

std::set<Family> EnteredFamilies(const nft::TableState& table) {
  std::set<Family> entered;
  ForEachEntrance(table, [&](const std::string&, const nft::StoredRule& rule) {
    const std::optional<Family> family = DecodeRule(rule).family;
    if (family) {
      entered.insert(*family);
    } else {
      entered.insert(kFamilies.begin(), kFamilies.end());
    }
  });
  return entered;
}

void RestrictEntrances(const nft::TableState& table, Family only, nft::Batch& batch) {
  ForEachEntrance(table, [&](const std::string& chain, const nft::StoredRule& rule) {
    const DecodedRule decoded = DecodeRule(rule);
    if (decoded.family == only) return;
    const nft::Subject subject{nft::Subject::Kind::kRule, table.id, chain, std::nullopt};
    const uint64_t handle = nftnl_rule_get_u64(rule.handle.get(), NFTNL_RULE_HANDLE);
    if (!decoded.family) {
      if (!decoded.rule.understood) {
        Error error(
            ErrorCode::kChainIncompatible,
            "it holds a jump for both families that is not understood, and cannot be kept for one alone");
        error.table = table.id.name;
        error.chain = chain;
        throw error;
      }
      batch.InsertRule(subject, Narrowed(decoded, only).get(), handle);
    }
    batch.DeleteRule(subject, handle);
  });
}

}  // namespace sluice::nftables
