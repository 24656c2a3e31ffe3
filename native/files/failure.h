// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <exception>
#include <string>
#include <utility>

namespace sluice::files {

// Why something with a file could not be done. The errno is one of the kernel's, or stands for one of Files
// (src/host/files.ts).
class Failure : public std::exception {
 public:
  Failure(int error_number, std::string what_was_tried, const std::string& reason)
      : error_number_(error_number), message_(std::move(what_was_tried) + ": " + reason) {}
  // With the reason that libc gives.
  Failure(int error_number, std::string what_was_tried);

  const char* what() const noexcept override { return message_.c_str(); }
  int error_number() const { return error_number_; }

 private:
  int error_number_;
  std::string message_;
};

}  // namespace sluice::files
