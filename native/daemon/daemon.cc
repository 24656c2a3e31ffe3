// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/daemon.h"

#include <poll.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstring>
#include <stdexcept>

namespace sluice::daemon {
namespace {

int MillisecondsUntil(Clock::time_point deadline) {
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now()).count();
  return static_cast<int>(std::clamp<int64_t>(left, 0, INT_MAX));
}

}  // namespace

Wake Daemon::Wait(std::chrono::milliseconds timeout, bool watching, int signal_descriptor) {
  const Clock::time_point end = Clock::now() + timeout;
  std::vector<pollfd> waiting;
  for (;;) {
    // poll(2) passes over negative descriptors.
    waiting.assign({{signal_descriptor, POLLIN, 0}, {watching ? watches_.descriptor() : -1, POLLIN, 0}});
    Clock::time_point deadline = end;
    if (server_) {
      server_->AddTo(waiting);
      deadline = std::min(end, server_->Deadline().value_or(end));
    }
    const int ready = poll(waiting.data(), waiting.size(), MillisecondsUntil(deadline));
    if (ready < 0 && errno != EINTR) {
      throw std::runtime_error(std::string("cannot wait: ") + std::strerror(errno));
    }
    if (ready >= 0 && server_) server_->Advance(pages_);
    if (ready > 0 && waiting[0].revents != 0) return Wake::kSignal;
    if (ready > 0 && waiting[1].revents != 0 && watches_.TakeChange()) return Wake::kChanged;
    if (Clock::now() >= end) return Wake::kTimeout;
  }
}

}  // namespace sluice::daemon
