// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "core/file_descriptor.h"

// Reading and writing of descriptors; `attempt` is for the text of the Failure that they throw.
namespace sluice::files {

// For reading. A pipe or a device is refused, and not waited for.
FileDescriptor OpenRegular(const std::string& path, const std::string& attempt);

// 0 at the end.
size_t ReadSome(int descriptor, char* buffer, size_t size, const std::string& attempt);

// Less than `size` only at the end.
size_t ReadFully(int descriptor, char* buffer, size_t size, const std::string& attempt);

void WriteFully(int descriptor, std::string_view bytes, const std::string& attempt);

}  // namespace sluice::files
