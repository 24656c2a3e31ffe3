// SPDX-License-Identifier: GPL-2.0-or-later
#include "core/legacy_tables.h"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cerrno>

#include "core/file_descriptor.h"

namespace sluice {
namespace {

// Not /proc/net, which shows the namespace of the process's first thread.
constexpr const char* kDirectory = "/proc/thread-self/net/";

}  // namespace

Registration LegacyTable(Family family, const std::string& table) {
  const std::string path =
      std::string(kDirectory) + (family == Family::kIpv4 ? "ip_tables_names" : "ip6_tables_names");
  const FileDescriptor file(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file.valid()) {
    const int error_number = errno;
    // There is no such file when ip_tables is not loaded; but without /proc there is none either.
    if (error_number == ENOENT && access(kDirectory, F_OK) == 0) return {Registered::kNo};
    return {Registered::kUnknown, error_number};
  }
  // A name a line, of at most XT_TABLE_MAXNAMELEN bytes; the kernel has six tables.
  std::string names = "\n";
  std::array<char, 512> part;
  for (;;) {
    const ssize_t length = read(file.get(), part.data(), part.size());
    if (length < 0 && errno == EINTR) continue;
    if (length < 0) return {Registered::kUnknown, errno};
    if (length == 0) break;
    names.append(part.data(), static_cast<size_t>(length));
  }
  const bool found = names.find("\n" + table + "\n") != std::string::npos;
  return {found ? Registered::kYes : Registered::kNo};
}

}  // namespace sluice
