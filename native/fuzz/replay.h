// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace sluice::fuzz {

// What the kernel says in a run of a fuzzer: pieces of the input, each behind its length in two bytes, the
// lower first. The end of the input cuts the last one short.
class Replay {
 public:
  explicit Replay(std::string_view input) : rest_(input) {}

  // None when everything has been said.
  std::optional<std::string_view> Next() {
    if (rest_.size() < 2) return std::nullopt;
    const size_t length = static_cast<uint8_t>(rest_[0]) | static_cast<size_t>(static_cast<uint8_t>(rest_[1]))
                                                               << 8;
    const std::string_view piece = rest_.substr(2, length);
    rest_.remove_prefix(2 + piece.size());
    return piece;
  }

 private:
  std::string_view rest_;
};

}  // namespace sluice::fuzz
