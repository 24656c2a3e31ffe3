// SPDX-License-Identifier: GPL-2.0-or-later
#include "core/sysctl.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "core/error.h"
#include "core/file_descriptor.h"

namespace sluice {
namespace {

Error SysctlError(const char* syscall, const std::string& name) {
  Error error = SystemCallError(errno, syscall, "cannot write " + name);
  error.code = ErrorCode::kSysctl;
  return error;
}

}  // namespace

std::string WriteSysctl(const std::string& name, const std::string& value) {
  // /proc/sys/net shows the namespace of the thread that looks it up (fs/proc/proc_sysctl.c,
  // net/sysctl_net.c).
  std::string path = "/proc/sys/" + name;
  std::replace(path.begin(), path.end(), '.', '/');
  const FileDescriptor file(open(path.c_str(), O_RDWR | O_CLOEXEC));
  if (!file.valid()) throw SysctlError("open", name);

  std::array<char, 256> previous;
  const ssize_t length = read(file.get(), previous.data(), previous.size());
  if (length < 0) throw SysctlError("read", name);
  // A setting takes the whole value in one write at the start of the file.
  if (pwrite(file.get(), value.data(), value.size(), 0) != static_cast<ssize_t>(value.size())) {
    throw SysctlError("write", name);
  }
  std::string text(previous.data(), static_cast<size_t>(length));
  while (!text.empty() && text.back() == '\n') text.pop_back();
  return text;
}

}  // namespace sluice
