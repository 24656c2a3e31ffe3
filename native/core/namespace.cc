// SPDX-License-Identifier: GPL-2.0-or-later
#include "core/namespace.h"

#include <fcntl.h>
#include <linux/nsfs.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/stat.h>

#include <cerrno>
#include <exception>
#include <system_error>
#include <thread>

#include "core/error.h"
#include "core/file_descriptor.h"

namespace sluice {
namespace {

constexpr const char* kThreadsOwn = "/proc/thread-self/ns/net";

Error NamespaceError(int error_number, const char* syscall, std::string detail) {
  Error error = SystemCallError(error_number, syscall, std::move(detail));
  error.code = ErrorCode::kNamespace;
  return error;
}

void Enter(const std::string& path) {
  // O_NONBLOCK: a FIFO in its place must not hold us up.
  const FileDescriptor descriptor(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
  if (!descriptor.valid()) throw NamespaceError(errno, "open", "cannot open the network namespace " + path);
  if (ioctl(descriptor.get(), NS_GET_NSTYPE) != CLONE_NEWNET) {
    throw Error(ErrorCode::kNamespace, path + " is not a network namespace");
  }
  if (setns(descriptor.get(), CLONE_NEWNET) != 0) {
    throw NamespaceError(errno, "setns", "cannot enter the network namespace " + path);
  }
}

}  // namespace

void RunOnThread(const std::function<void()>& work) {
  std::exception_ptr failure;
  const auto try_to_work = [&] {
    try {
      work();
    } catch (...) {
      failure = std::current_exception();
    }
  };
  try {
    std::thread(try_to_work).join();
  } catch (const std::system_error& error) {
    throw SystemCallError(error.code().value(), "clone", "cannot start a thread for the network namespace");
  }
  if (failure) std::rethrow_exception(failure);
}

void RunInNamespace(const std::string& path, const std::function<void()>& work) {
  if (path.empty()) return work();
  RunOnThread([&] {
    Enter(path);
    work();
  });
}

void RunInNewNamespace(const std::function<void()>& work) {
  RunOnThread([&] {
    if (unshare(CLONE_NEWNET) != 0)
      throw NamespaceError(errno, "unshare", "cannot make a network namespace to try in");
    work();
  });
}

bool IsOwnNamespace(const std::string& path) {
  struct stat own {};
  struct stat theirs {};
  if (stat(kThreadsOwn, &own) != 0)
    throw NamespaceError(errno, "stat", "cannot look at the own network namespace");
  RunInNamespace(path, [&] {
    if (stat(kThreadsOwn, &theirs) != 0)
      throw NamespaceError(errno, "stat", "cannot look at the network namespace " + path);
  });
  return own.st_ino == theirs.st_ino && own.st_dev == theirs.st_dev;
}

bool IsForeignNamespace() {
  const FileDescriptor here(open(kThreadsOwn, O_RDONLY | O_CLOEXEC));
  struct stat own {};
  if (!here.valid() || stat("/proc/thread-self/ns/user", &own) != 0) return false;
  const FileDescriptor owner(ioctl(here.get(), NS_GET_USERNS));
  // One that is no descendant of ours is not given out (ns_get_owner in kernel/user_namespace.c).
  if (!owner.valid()) return errno == EPERM;
  struct stat theirs {};
  return fstat(owner.get(), &theirs) == 0 && theirs.st_ino != own.st_ino;
}

}  // namespace sluice
