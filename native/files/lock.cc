// SPDX-License-Identifier: GPL-2.0-or-later
#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>

#include "files/failure.h"
#include "files/files.h"

namespace sluice::files {
namespace {

// Whoever has it works for milliseconds, unless the disk is very slow.
constexpr std::chrono::seconds kLongestWait{5};
constexpr useconds_t kPause = 1000;

}  // namespace

FileDescriptor Lock(const std::string& folder) {
  const std::string attempt = "cannot lock " + folder;
  FileDescriptor descriptor(open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!descriptor.valid()) throw Failure(errno, attempt);
  const auto end = std::chrono::steady_clock::now() + kLongestWait;
  while (flock(descriptor.get(), LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK) {
    if (std::chrono::steady_clock::now() >= end) {
      throw Failure(EAGAIN, attempt, "another process has it locked");
    }
    usleep(kPause);
  }
  // NFS locks no folders: there it goes without.
  return descriptor;
}

}  // namespace sluice::files
