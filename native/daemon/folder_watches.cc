// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/folder_watches.h"

#include <sys/inotify.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace sluice::daemon {
namespace {

// Not IN_MODIFY, which comes for each write of a file that is not finished yet, nor anything that reading
// does.
constexpr uint32_t kChanges = IN_ATTRIB | IN_CLOSE_WRITE | IN_CREATE | IN_DELETE | IN_DELETE_SELF |
                              IN_MOVE_SELF | IN_MOVED_FROM | IN_MOVED_TO;

}  // namespace

std::vector<FolderWatches::Unwatched> FolderWatches::Set(const std::vector<std::string>& folders) {
  std::vector<std::string> gone;
  for (const auto& [folder, number] : watches_) {
    if (std::find(folders.begin(), folders.end(), folder) == folders.end()) gone.push_back(folder);
  }
  for (const std::string& folder : gone) Forget(folder);
  std::vector<Unwatched> unwatched;
  for (const std::string& folder : folders) {
    std::string reason = Watch(folder);
    if (!reason.empty()) unwatched.push_back({folder, std::move(reason)});
  }
  return unwatched;
}

bool FolderWatches::TakeChange() {
  bool changed = false;
  alignas(inotify_event) char events[4096];
  // What has changed does not matter, nor how much of it the kernel has dropped: all of it is looked at
  // again.
  while (read(inotify_.get(), events, sizeof events) > 0) changed = true;
  return changed;
}

std::string FolderWatches::Watch(const std::string& folder) {
  if (!inotify_.valid()) inotify_ = FileDescriptor(inotify_init1(IN_NONBLOCK | IN_CLOEXEC));
  if (!inotify_.valid()) return std::strerror(errno);
  // Of a folder that is watched already it is the same number.
  const int number = inotify_add_watch(inotify_.get(), folder.c_str(), kChanges | IN_ONLYDIR);
  if (number < 0) {
    const int error_number = errno;
    Forget(folder);
    // The errno is that of a full disk.
    return error_number == ENOSPC ? "there are too many watches (fs.inotify.max_user_watches)"
                                  : std::strerror(error_number);
  }
  const auto known = watches_.find(folder);
  if (known != watches_.end() && known->second == number) return "";
  Forget(folder);
  watches_[folder] = number;
  return "";
}

void FolderWatches::Forget(const std::string& folder) {
  const auto known = watches_.find(folder);
  if (known == watches_.end()) return;
  const int number = known->second;
  watches_.erase(known);
  const bool shared = std::any_of(watches_.begin(), watches_.end(),
                                  [&](const auto& watch) { return watch.second == number; });
  // The number of a folder that is gone is unknown by now.
  if (!shared) inotify_rm_watch(inotify_.get(), number);
}

}  // namespace sluice::daemon
