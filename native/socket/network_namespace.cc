// SPDX-License-Identifier: GPL-2.0-or-later
#include "socket/network_namespace.h"

#include <fcntl.h>
#include <sched.h>

#include <cerrno>
#include <exception>
#include <string>
#include <system_error>
#include <thread>

#include "core/error.h"
#include "core/sysctl.h"
#include "socket/link.h"

namespace sluice {

namespace {

// A router solicits its neighbours from its link-local address, which would be tentative for one to two
// seconds. A kernel without IPv6, or a /proc that cannot be written, goes without.
void SkipDuplicateAddressDetection() {
  for (const char* which : {"all", "default"}) {
    try {
      WriteSysctl(std::string("net.ipv6.conf.") + which + ".accept_dad", "0");
    } catch (const Error&) {
    }
  }
}

}  // namespace

FileDescriptor CreateNetworkNamespace() {
  FileDescriptor created(-1);
  std::exception_ptr failure;
  // unshare(2) moves the calling thread for good, so it gets a thread that has nothing else to do.
  const auto create = [&] {
    try {
      if (unshare(CLONE_NEWNET) != 0) {
        throw SystemCallError(errno, "unshare", "cannot create a network namespace (it needs CAP_SYS_ADMIN)");
      }
      FileDescriptor opened(open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC));
      if (!opened.valid()) throw SystemCallError(errno, "open", "cannot open /proc/thread-self/ns/net");
      SkipDuplicateAddressDetection();
      SetLinkUp("lo");
      created = std::move(opened);
    } catch (...) {
      failure = std::current_exception();
    }
  };
  try {
    std::thread(create).join();
  } catch (const std::system_error& error) {
    throw SystemCallError(error.code().value(), "clone", "cannot start a thread for a network namespace");
  }
  if (failure) std::rethrow_exception(failure);
  return created;
}

}  // namespace sluice
