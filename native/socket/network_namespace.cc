// SPDX-License-Identifier: GPL-2.0-or-later
#include "socket/network_namespace.h"

#include <fcntl.h>
#include <sched.h>

#include <cerrno>
#include <exception>
#include <thread>

#include "core/error.h"
#include "socket/link.h"

namespace sluice {

FileDescriptor CreateNetworkNamespace() {
  FileDescriptor created(-1);
  std::exception_ptr failure;
  // unshare(2) moves the calling thread for good, so it gets a thread that has nothing else to do.
  std::thread([&] {
    try {
      if (unshare(CLONE_NEWNET) != 0) {
        throw SystemCallError(errno, "unshare", "cannot create a network namespace (it needs CAP_SYS_ADMIN)");
      }
      FileDescriptor opened(open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC));
      if (!opened.valid()) throw SystemCallError(errno, "open", "cannot open /proc/thread-self/ns/net");
      SetLinkUp("lo");
      created = std::move(opened);
    } catch (...) {
      failure = std::current_exception();
    }
  }).join();
  if (failure) std::rethrow_exception(failure);
  return created;
}

}  // namespace sluice
