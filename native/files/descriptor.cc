// SPDX-License-Identifier: GPL-2.0-or-later
#include "files/descriptor.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "files/failure.h"

namespace sluice::files {

FileDescriptor OpenRegular(const std::string& path, const std::string& attempt) {
  FileDescriptor descriptor(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
  struct stat found;
  if (!descriptor.valid() || fstat(descriptor.get(), &found) != 0) throw Failure(errno, attempt);
  if (!S_ISREG(found.st_mode)) throw Failure(EINVAL, attempt, "it is no regular file");
  return descriptor;
}

size_t ReadSome(int descriptor, char* buffer, size_t size, const std::string& attempt) {
  ssize_t count;
  do {
    count = read(descriptor, buffer, size);
  } while (count < 0 && errno == EINTR);
  if (count < 0) throw Failure(errno, attempt);
  return static_cast<size_t>(count);
}

size_t ReadFully(int descriptor, char* buffer, size_t size, const std::string& attempt) {
  size_t filled = 0;
  while (filled < size) {
    const size_t count = ReadSome(descriptor, buffer + filled, size - filled, attempt);
    if (count == 0) break;
    filled += count;
  }
  return filled;
}

void WriteFully(int descriptor, std::string_view bytes, const std::string& attempt) {
  while (!bytes.empty()) {
    const ssize_t count = write(descriptor, bytes.data(), bytes.size());
    if (count >= 0) {
      bytes.remove_prefix(static_cast<size_t>(count));
    } else if (errno != EINTR) {
      throw Failure(errno, attempt);
    }
  }
}

}  // namespace sluice::files
