// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <map>
#include <string>
#include <vector>

#include "core/file_descriptor.h"

namespace sluice::daemon {

// Folders in which somebody may change something (inotify).
class FolderWatches {
 public:
  struct Unwatched {
    std::string folder;
    std::string reason;
  };

  // Watches exactly these, and gives those for which that is not possible. Nothing is done for a folder that
  // is watched already; one that was made anew is another one.
  std::vector<Unwatched> Set(const std::vector<std::string>& folders);

  // Readable when something has changed; -1 when nothing is watched.
  int descriptor() const { return inotify_.get(); }
  // Whether something has changed since the last call.
  bool TakeChange();

 private:
  // What went wrong; empty: nothing.
  std::string Watch(const std::string& folder);
  void Forget(const std::string& folder);

  FileDescriptor inotify_{-1};
  std::map<std::string, int> watches_;  // two names of one folder have the same number
};

}  // namespace sluice::daemon
