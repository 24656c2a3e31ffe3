// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <poll.h>

#include <cstdint>
#include <list>
#include <optional>
#include <vector>

#include "core/file_descriptor.h"
#include "daemon/client.h"
#include "daemon/page.h"

namespace sluice::daemon {

// Answers GET and HEAD for a few pages, for probes and Prometheus. Clients are bounded in number and time:
// one too many makes the one go that has been there longest, so that slow ones keep nobody out.
class PageServer {
 public:
  // Listens on every address. Throws std::runtime_error that names the port.
  explicit PageServer(uint16_t port);

  // What it waits for, and until when at most.
  void AddTo(std::vector<pollfd>& waiting) const;
  std::optional<Clock::time_point> Deadline() const;

  // Goes on with all of them.
  void Advance(const Pages& pages);

 private:
  void Accept();

  FileDescriptor listener_;
  std::list<Client> clients_;  // in the order in which they came
};

}  // namespace sluice::daemon
