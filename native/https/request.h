// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sluice::https {

// HttpsRequest of src/host/https.ts, its URL taken apart. What is empty is not given.
struct Request {
  std::string host;  // without brackets
  uint16_t port = 0;
  std::string path;
  std::vector<std::pair<std::string, std::string>> headers;
  std::string ca;
  std::string certificate;
  std::string key;
  std::string server_name;
  bool insecure = false;
  std::chrono::milliseconds timeout{0};
  size_t most_bytes = 0;
};

// Throws Error for what is no such request: src/host/https-standalone.ts has checked what users can get
// wrong.
Request ReadRequest(std::string_view document);

}  // namespace sluice::https
