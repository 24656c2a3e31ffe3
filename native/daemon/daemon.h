// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "daemon/folder_watches.h"
#include "daemon/page.h"
#include "daemon/page_server.h"

namespace sluice::daemon {

enum class Wake { kTimeout, kChanged, kSignal };

// What src/host/daemon.ts says of each.
class Daemon {
 public:
  void Serve(uint16_t port) { server_.emplace(port); }
  void Publish(Pages pages) { pages_ = std::move(pages); }
  std::vector<FolderWatches::Unwatched> Watch(const std::vector<std::string>& folders) {
    return watches_.Set(folders);
  }

  // Answers until the time is over, until the descriptor of the signals (-1: there is none) is readable, or,
  // if that is asked for, until something has changed in a folder.
  Wake Wait(std::chrono::milliseconds timeout, bool watching, int signal_descriptor);

 private:
  std::optional<PageServer> server_;
  Pages pages_;
  FolderWatches watches_;
};

}  // namespace sluice::daemon
