// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <climits>
#include <cstdlib>
#include <cstring>
#include <string_view>
#include <thread>

// Faults that a sanitizer must see. A build that sees none of them proves nothing about the rest.
namespace sluice::test {

inline void CommitFault(std::string_view kind) {
  // volatile: the optimiser would see through all of them.
  const volatile size_t size = 16;
  if (kind == "overflow") {
    auto* block = static_cast<volatile char*>(std::malloc(size));
    block[size] = 1;
    std::free(const_cast<char*>(block));
  } else if (kind == "leak") {
    auto* volatile block = static_cast<char*>(std::malloc(size));
    std::memset(block, 1, size);
    block = nullptr;
  } else if (kind == "undefined") {
    volatile int large = INT_MAX;
    large = large + 1;
  } else if (kind == "uninitialised") {
    auto* block = static_cast<volatile char*>(std::malloc(size));
    if (block[0] == 1) std::abort();
    std::free(const_cast<char*>(block));
  } else if (kind == "race") {
    int shared = 0;
    std::thread other([&] { shared++; });
    shared++;
    other.join();
  }
}

}  // namespace sluice::test
