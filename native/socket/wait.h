// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <poll.h>

#include <chrono>
#include <string>
#include <vector>

namespace sluice {

struct Patience {
  std::chrono::steady_clock::time_point deadline;
  // Becomes readable when nobody waits any more; -1: somebody does until the deadline.
  int cancel_descriptor = -1;
};

// Waits until one of the descriptors is ready, and looks at least once: false at the deadline. Throws Error,
// with ECANCELED when nobody waits any more; `what_was_tried` is for its text.
bool AwaitReady(std::vector<pollfd> waiting, const Patience& patience, const std::string& what_was_tried);

}  // namespace sluice
