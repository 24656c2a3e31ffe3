// SPDX-License-Identifier: GPL-2.0-or-later
#include "files/files.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <climits>
#include <cstdio>
#include <cstring>
#include <memory>

#include "core/file_descriptor.h"
#include "files/descriptor.h"
#include "files/failure.h"

namespace sluice::files {
namespace {

const char* KindOf(mode_t mode) {
  if (S_ISREG(mode)) return "file";
  if (S_ISDIR(mode)) return "folder";
  return S_ISLNK(mode) ? "link" : "other";
}

std::string Nanoseconds(const timespec& time) {
  return std::to_string(static_cast<int64_t>(time.tv_sec) * 1'000'000'000 + time.tv_nsec);
}

// Of what a symbolic link leads to; nothing if there is nothing of this name.
std::optional<off_t> SizeOf(const std::string& path, const std::string& attempt) {
  struct stat found;
  if (stat(path.c_str(), &found) == 0) return found.st_size;
  if (errno == ENOENT) return std::nullopt;
  throw Failure(errno, attempt);
}

struct CloseFolder {
  void operator()(DIR* folder) const { closedir(folder); }
};

}  // namespace

Failure::Failure(int error_number, std::string what_was_tried)
    : Failure(error_number, std::move(what_was_tried), std::strerror(error_number)) {}

std::vector<std::string> List(const std::string& folder) {
  const std::string attempt = "cannot list " + folder;
  const std::unique_ptr<DIR, CloseFolder> stream(opendir(folder.c_str()));
  if (stream == nullptr) throw Failure(errno, attempt);
  std::vector<std::string> names;
  for (;;) {
    errno = 0;
    const dirent* entry = readdir(stream.get());
    if (entry == nullptr) break;
    const std::string_view name = entry->d_name;
    if (name != "." && name != "..") names.emplace_back(name);
  }
  if (errno != 0) throw Failure(errno, attempt);
  return names;
}

std::optional<Status> Look(const std::string& path) {
  struct stat found;
  if (lstat(path.c_str(), &found) != 0) {
    if (errno == ENOENT) return std::nullopt;
    throw Failure(errno, "cannot look at " + path);
  }
  std::string version = std::to_string(found.st_dev);
  version += ":" + std::to_string(found.st_ino) + ":" + std::to_string(found.st_size);
  version += ":" + Nanoseconds(found.st_mtim) + ":" + Nanoseconds(found.st_ctim);
  return Status{KindOf(found.st_mode), found.st_mode & 07777, std::move(version)};
}

std::string ReadLink(const std::string& path) {
  char target[PATH_MAX];
  const ssize_t length = readlink(path.c_str(), target, sizeof target);
  if (length < 0) throw Failure(errno, "cannot read " + path);
  return {target, static_cast<size_t>(length)};
}

std::string Read(const std::string& path, size_t longest) {
  const std::string attempt = "cannot read " + path;
  const FileDescriptor descriptor = OpenRegular(path, attempt);
  std::string text;
  char buffer[16384];
  while (const size_t count = ReadSome(descriptor.get(), buffer, sizeof buffer, attempt)) {
    text.append(buffer, count);
    if (text.size() > longest) throw Failure(EFBIG, attempt, "it is too long");
  }
  return text;
}

bool Same(const std::string& path, const std::string& other) {
  const std::string attempt = "cannot compare " + path + " with " + other;
  const std::optional<off_t> first = SizeOf(path, attempt);
  const std::optional<off_t> second = SizeOf(other, attempt);
  if (!first || !second || *first != *second) return false;
  const FileDescriptor left = OpenRegular(path, attempt);
  const FileDescriptor right = OpenRegular(other, attempt);
  char left_bytes[16384];
  char right_bytes[16384];
  for (;;) {
    const size_t count = ReadFully(left.get(), left_bytes, sizeof left_bytes, attempt);
    if (ReadFully(right.get(), right_bytes, sizeof right_bytes, attempt) != count) return false;
    if (count == 0) return true;
    if (std::memcmp(left_bytes, right_bytes, count) != 0) return false;
  }
}

void Rename(const std::string& from, const std::string& to) {
  if (rename(from.c_str(), to.c_str()) != 0) throw Failure(errno, "cannot rename " + from + " to " + to);
  SyncFolder(to);
}

void Remove(const std::string& path) {
  if (unlink(path.c_str()) == 0) return SyncFolder(path);
  if (errno != ENOENT) throw Failure(errno, "cannot remove " + path);
}

void Append(const std::string& path, std::string_view text) {
  const std::string attempt = "cannot write to " + path;
  // Of a pipe, opening would otherwise wait for somebody who reads.
  const FileDescriptor descriptor(
      open(path.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NONBLOCK | O_NOCTTY, 0600));
  struct stat found;
  if (!descriptor.valid() || fstat(descriptor.get(), &found) != 0) throw Failure(errno, attempt);
  if (!S_ISREG(found.st_mode)) throw Failure(EINVAL, attempt, "it is no regular file");
  // One write, so that lines of several processes do not mix.
  const ssize_t count = write(descriptor.get(), text.data(), text.size());
  if (count < 0) throw Failure(errno, attempt);
  if (static_cast<size_t>(count) < text.size()) throw Failure(ENOSPC, attempt);
}

void SyncFolder(const std::string& path) {
  const std::string folder = path.substr(0, path.rfind('/') + 1);
  const std::string attempt = "cannot write to the disk what was changed in " + folder;
  const FileDescriptor descriptor(open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!descriptor.valid() || fsync(descriptor.get()) != 0) throw Failure(errno, attempt);
}

}  // namespace sluice::files
