// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <chrono>
#include <string>

#include "core/file_descriptor.h"

namespace sluice::legacy {

// The lock that programs which write to ip_tables take from one another: flock(2) on a file that they agree
// on (iptables(8), -w). ip_tables itself keeps nobody from overwriting what another one has just written.
class XtablesLock {
 public:
  // Makes the file (mode 0600, as iptables does) if there is none, and waits for the lock. Throws Error:
  // lock-unavailable when the file cannot be used, timed-out when somebody else holds it at the deadline.
  XtablesLock(const std::string& path, std::chrono::steady_clock::time_point deadline);

 private:
  FileDescriptor file_;  // closing it lets the lock go
};

// Throws what XtablesLock would throw. Makes no file; takes the lock of one that is there for a moment.
void CheckLock(const std::string& path, std::chrono::steady_clock::time_point deadline);

}  // namespace sluice::legacy
