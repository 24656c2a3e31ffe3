// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <exception>
#include <string>
#include <utility>

namespace sluice::https {

// Why there is no response: the answer says so. `reason` is an HttpsFailure of src/host/https.ts.
struct Failure : std::exception {
  Failure(const char* why, std::string what_happened) : reason(why), detail(std::move(what_happened)) {}

  const char* what() const noexcept override { return detail.c_str(); }

  const char* reason;
  std::string detail;
};

}  // namespace sluice::https
