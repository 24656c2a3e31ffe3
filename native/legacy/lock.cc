// SPDX-License-Identifier: GPL-2.0-or-later
#include "legacy/lock.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <thread>

#include "core/error.h"

namespace sluice::legacy {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::chrono::milliseconds kShortestPause{1};
constexpr std::chrono::milliseconds kLongestPause{20};
constexpr mode_t kMode = 0600;

Error LockError(int error_number, const char* syscall, std::string what) {
  Error error = SystemCallError(error_number, syscall, std::move(what));
  error.code = ErrorCode::kLockUnavailable;
  return error;
}

constexpr int kFlags = O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY;

// Never through a symbolic link, which could have us make or lock a file elsewhere; and O_CREAT only with
// O_EXCL: the kernel may forbid it for a file of another user (fs.protected_regular in proc(5)).
FileDescriptor OpenFile(const std::string& path) {
  for (;;) {
    FileDescriptor existing(open(path.c_str(), kFlags));
    if (existing.valid()) return existing;
    if (errno == ENOENT) {
      FileDescriptor made(open(path.c_str(), kFlags | O_CREAT | O_EXCL, kMode));
      if (made.valid()) return made;
      if (errno == EEXIST) continue;  // somebody else was faster
    }
    if (errno != EINTR) throw LockError(errno, "open", "cannot open the xtables lock " + path);
  }
}

void CheckRegular(const FileDescriptor& file, const std::string& path) {
  struct stat status {};
  if (fstat(file.get(), &status) != 0)
    throw LockError(errno, "fstat", "cannot look at the xtables lock " + path);
  if (S_ISREG(status.st_mode)) return;
  throw Error(ErrorCode::kLockUnavailable, "the xtables lock " + path + " is not a regular file");
}

}  // namespace

XtablesLock::XtablesLock(const std::string& path, Clock::time_point deadline) : file_(OpenFile(path)) {
  CheckRegular(file_, path);
  const Clock::time_point start = Clock::now();
  for (auto pause = kShortestPause; flock(file_.get(), LOCK_EX | LOCK_NB) != 0;
       pause = std::min(pause * 2, kLongestPause)) {
    if (errno == EINTR) continue;
    if (errno != EWOULDBLOCK) throw LockError(errno, "flock", "cannot take the xtables lock " + path);
    const Clock::time_point now = Clock::now();
    if (now >= deadline) {
      const auto waited = std::chrono::duration_cast<std::chrono::milliseconds>(now - start);
      throw Error(ErrorCode::kTimedOut, "another program holds the xtables lock " + path +
                                            ": given up after " + std::to_string(waited.count()) + " ms");
    }
    std::this_thread::sleep_for(std::min<Clock::duration>(pause, deadline - now));
  }
}

void CheckLock(const std::string& path, Clock::time_point deadline) {
  if (FileDescriptor(open(path.c_str(), kFlags)).valid() || errno != ENOENT) {
    XtablesLock(path, deadline);
    return;
  }
  const size_t slash = path.rfind('/');
  const std::string folder = slash == std::string::npos ? "." : path.substr(0, slash + 1);
  if (faccessat(AT_FDCWD, folder.c_str(), W_OK | X_OK, AT_EACCESS) != 0)
    throw LockError(errno, "faccessat", "cannot open the xtables lock " + path);
}

}  // namespace sluice::legacy
