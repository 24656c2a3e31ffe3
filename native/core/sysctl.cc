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

Error SysctlError(const char* syscall, const std::string& what) {
  Error error = SystemCallError(errno, syscall, what);
  error.code = ErrorCode::kSysctl;
  return error;
}

// /proc/sys/net shows the namespace of the thread that looks it up (fs/proc/proc_sysctl.c, net/sysctl_net.c).
FileDescriptor Open(const std::string& name, int flags) {
  std::string path = "/proc/sys/" + name;
  std::replace(path.begin(), path.end(), '.', '/');
  return FileDescriptor(open(path.c_str(), flags | O_CLOEXEC));
}

std::string ReadValue(const FileDescriptor& file, const std::string& what) {
  std::array<char, 256> value;
  const ssize_t length = read(file.get(), value.data(), value.size());
  if (length < 0) throw SysctlError("read", what);
  std::string text(value.data(), static_cast<size_t>(length));
  while (!text.empty() && text.back() == '\n') text.pop_back();
  return text;
}

}  // namespace

std::string WriteSysctl(const std::string& name, const std::string& value) {
  const std::string what = "cannot write " + name;
  const FileDescriptor file = Open(name, O_RDWR);
  if (!file.valid()) throw SysctlError("open", what);
  std::string previous = ReadValue(file, what);
  // A setting takes the whole value in one write at the start of the file.
  if (pwrite(file.get(), value.data(), value.size(), 0) != static_cast<ssize_t>(value.size())) {
    throw SysctlError("write", what);
  }
  return previous;
}

std::string ReadSysctl(const std::string& name) {
  const std::string what = "cannot read " + name;
  const FileDescriptor file = Open(name, O_RDONLY);
  if (!file.valid()) throw SysctlError("open", what);
  return ReadValue(file, what);
}

}  // namespace sluice
