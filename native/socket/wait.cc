// SPDX-License-Identifier: GPL-2.0-or-later
#include "socket/wait.h"

#include <algorithm>
#include <cerrno>
#include <climits>

#include "core/error.h"

namespace sluice {
namespace {

using Clock = std::chrono::steady_clock;

int MillisecondsUntil(Clock::time_point deadline) {
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now()).count();
  return static_cast<int>(std::clamp<int64_t>(left, 0, INT_MAX));
}

// Not permission-denied, whatever the errno: that is for what a capability is needed for.
Error WaitError(int error_number, const std::string& what_was_tried) {
  Error error = SystemCallError(error_number, "poll", what_was_tried);
  error.code = ErrorCode::kSystemCallFailed;
  return error;
}

}  // namespace

bool AwaitReady(std::vector<pollfd> waiting, const Patience& patience, const std::string& what_was_tried) {
  // poll(2) passes over negative descriptors.
  waiting.push_back({patience.cancel_descriptor, POLLIN, 0});
  int ready = 0;
  do {
    ready = poll(waiting.data(), waiting.size(), MillisecondsUntil(patience.deadline));
  } while (ready < 0 && errno == EINTR);
  if (ready < 0) throw WaitError(errno, what_was_tried);
  if (waiting.back().revents != 0) throw WaitError(ECANCELED, what_was_tried);
  return ready > 0;
}

}  // namespace sluice
