// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/file_descriptor.h"

// What src/host/files.ts says of each. All of them throw Failure.
namespace sluice::files {

struct Status {
  const char* kind;
  mode_t mode;
  std::string version;
};

std::vector<std::string> List(const std::string& folder);
std::optional<Status> Look(const std::string& path);
std::string ReadLink(const std::string& path);
std::string Read(const std::string& path, size_t longest);
bool Same(const std::string& path, const std::string& other);
void Rename(const std::string& from, const std::string& to);
void Remove(const std::string& path);
void Append(const std::string& path, std::string_view text);

// `expected` is a version, "absent", or empty for whatever is there.
void Replace(const std::string& path, std::string_view text, mode_t mode, const std::string& expected);
void Copy(const std::string& from, const std::string& to, mode_t mode);

// Locks a folder until the descriptor is closed, waiting for who has it locked.
FileDescriptor Lock(const std::string& folder);

// So that the names in the folder of a file are on the disk, too.
void SyncFolder(const std::string& path);

}  // namespace sluice::files
