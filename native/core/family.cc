// SPDX-License-Identifier: GPL-2.0-or-later
#include "core/family.h"

#include <sys/socket.h>

#include <algorithm>
#include <cerrno>

#include "core/error.h"
#include "core/file_descriptor.h"

namespace sluice {

bool Present(Family family) {
  if (family == Family::kIpv4) return true;
  const FileDescriptor probe(socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  return probe.valid() || errno != EAFNOSUPPORT;
}

std::vector<InstalledFamily> ChooseFamilies(const RulesetRequest& request) {
  std::vector<InstalledFamily> families;
  for (const WantedFamily& wanted : request.families) {
    InstalledFamily family;
    family.family = wanted.family;
    family.present = Present(wanted.family);
    families.push_back(std::move(family));
    if (families.back().present || !wanted.required) continue;
    Error error(ErrorCode::kFamilyUnavailable, "this kernel has no IPv6");
    error.family = wanted.family;
    throw error;
  }
  return families;
}

bool IsOurs(const Ruleset& ruleset, const std::string& chain_name) {
  return std::any_of(ruleset.chains.begin(), ruleset.chains.end(),
                     [&](const Chain& chain) { return chain.name == chain_name; });
}

bool Asked(const RulesetRequest& request, Family family) {
  return std::any_of(request.families.begin(), request.families.end(),
                     [&](const WantedFamily& wanted) { return wanted.family == family; });
}

}  // namespace sluice
