// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace sluice::daemon {

// A request is read up to its end, or until it is longer than this.
constexpr size_t kLongestHead = 4096;

// What counts of an HTTP request; everything else in it is passed over.
struct RequestHead {
  // 0: it may be answered; else the status of the answer: 400, 405, 431.
  int refusal = 0;
  bool body_wanted = true;  // not HEAD
  std::string path;         // without the query
};

// Whether there is a head, up to its empty line, or something that never becomes one.
bool IsComplete(std::string_view received);

// Reads what is complete.
RequestHead ParseHead(std::string_view received);

}  // namespace sluice::daemon
