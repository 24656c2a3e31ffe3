// SPDX-License-Identifier: GPL-2.0-or-later
#include "look/lines.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>

namespace sluice::look {

Lines::Lines(const std::string& path) : file_(open(path.c_str(), O_RDONLY | O_CLOEXEC)) {}

bool Lines::Fill() {
  ssize_t length = -1;
  do {
    length = read(file_.get(), buffer_.data(), buffer_.size());
  } while (length < 0 && errno == EINTR);
  rest_ = std::string_view(buffer_.data(), length > 0 ? static_cast<size_t>(length) : 0);
  return length > 0;
}

bool Lines::Next(std::string& line) {
  line.clear();
  while (!rest_.empty() || Fill()) {
    const size_t end = rest_.find('\n');
    line += rest_.substr(0, end);
    if (end != std::string_view::npos) {
      rest_.remove_prefix(end + 1);
      return true;
    }
    rest_ = {};
  }
  return !line.empty();
}

}  // namespace sluice::look
