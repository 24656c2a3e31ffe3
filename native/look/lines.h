// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <array>
#include <string>
#include <string_view>

#include "core/file_descriptor.h"

namespace sluice::look {

// The lines of a file of /proc, one by one: no more is read than is asked for. (<fstream> would make the
// static executables larger by half.)
class Lines {
 public:
  explicit Lines(const std::string& path);

  // Whether the file could be opened; if not, errno says why.
  bool valid() const { return file_.valid(); }
  // The next line, without its end; false behind the last, and when reading fails.
  bool Next(std::string& line);

 private:
  bool Fill();

  FileDescriptor file_;
  std::array<char, 4096> buffer_;
  std::string_view rest_;
};

}  // namespace sluice::look
