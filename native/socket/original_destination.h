// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace sluice {

struct Destination {
  int family = 0;  // AF_INET or AF_INET6; an IPv4-mapped address is reported as AF_INET
  uint16_t port = 0;
  // As inet_ntop(3) writes it.
  std::array<char, 46> text{};  // INET6_ADDRSTRLEN
  size_t length = 0;

  std::string_view Address() const { return {text.data(), length}; }
};

struct OriginalDestinationResult {
  int error_number = 0;                    // 0, or why the kernel gave no answer
  std::optional<Destination> destination;  // absent on an error, and where nobody redirected it
  uint16_t local_port = 0;
};

// Where the peer of a connected TCP socket wanted to go before a REDIRECT or DNAT rule sent it here. That is
// its local address when no rule did: an answer only if `include_direct`. Called once per connection: two
// system calls, no exceptions.
OriginalDestinationResult OriginalDestination(int descriptor, bool include_direct);

}  // namespace sluice
