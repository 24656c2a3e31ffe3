// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstdio>
#include <cstdlib>
#include <string_view>

namespace sluice::fuzz {

// What has to hold whatever the input is. A fuzzer takes the end of the process for a finding.
inline void Check(bool holds, const char* what, std::string_view seen = {}) {
  if (holds) return;
  fprintf(stderr, "does not hold: %s\n%.*s\n", what, static_cast<int>(seen.size()), seen.data());
  abort();
}

// That it is a reply of the door: a document of ASCII controls escaped, in UTF-8, with "ok" or an "error" of
// a code and a detail.
void CheckReply(std::string_view reply);

}  // namespace sluice::fuzz
