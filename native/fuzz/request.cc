// SPDX-License-Identifier: GPL-2.0-or-later

// The door (docs/core.md): the input is a request. Behind it stand back ends that encode what they are asked
// in their own way, and send it to nobody; namespaces and settings are those of unreachable.cc.

#include <cstdint>
#include <string_view>

#include "core/core.h"
#include "core/wanted.h"
#include "fuzz/check.h"
#include "legacy/entry.h"
#include "nft/rule.h"
#include "nftables/plan.h"

namespace {

using sluice::RulesetRequest;

sluice::CommitResult Nft(const RulesetRequest& request) {
  for (const sluice::Table& table : request.ruleset.tables) {
    const auto wanted =
        sluice::EncodeTable<sluice::nft::RuleHandle>(request.ruleset, table, sluice::nft::EncodeRule);
    for (const auto& chain : wanted.chains) {
      for (const auto& rule : chain.rules) {
        sluice::fuzz::Check(sluice::nft::SameRule(rule.rule.get(), rule.rule.get()), "a rule is like itself");
      }
    }
  }
  return {};
}

sluice::CommitResult Legacy(const RulesetRequest& request) {
  for (const sluice::Table& table : request.ruleset.tables) {
    sluice::EncodeTable<sluice::legacy::EncodedEntry>(request.ruleset, table, sluice::legacy::EncodeEntry);
  }
  return {};
}

sluice::CommitResult Nftables(const RulesetRequest& request) {
  std::vector<sluice::Family> families;
  for (const sluice::WantedFamily& family : request.families) families.push_back(family.family);
  sluice::nftables::EncodeRuleset(request.ruleset, families);
  return {};
}

template <sluice::CommitResult (*commit)(const RulesetRequest& request)>
sluice::Inspection Inspect(const RulesetRequest& request) {
  return commit(request);
}

constexpr sluice::Backend kNft = {Nft, Inspect<Nft>};
constexpr sluice::Backend kLegacy = {Legacy, Inspect<Legacy>};
constexpr sluice::Backend kNftables = {Nftables, Inspect<Nftables>};

sluice::ExchangeResult Exchange(const sluice::ExchangeRequest& request) {
  sluice::ExchangeResult result;
  result.original = request.connect;
  result.received = request.token;
  return result;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  sluice::Backends backends;
  backends.nft = &kNft;
  backends.legacy = &kLegacy;
  backends.nftables = &kNftables;
  backends.exchange = Exchange;
  sluice::fuzz::CheckReply(sluice::Call({reinterpret_cast<const char*>(data), size}, backends).text);
  return 0;
}
