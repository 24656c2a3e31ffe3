// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <string>
#include <string_view>

#include "core/commit.h"

namespace sluice {

// The back ends that this host is linked with; a null one is answered with mode-unavailable.
struct Backends {
  const Backend* nft = nullptr;
  const Backend* legacy = nullptr;
  const Backend* nftables = nullptr;
};

// The one door: a JSON request in, a JSON reply out (docs/core.md). Never throws. The calling thread stays in
// its network namespace: work for another one is done on a thread that ends with it.
std::string Call(std::string_view request, const Backends& backends) noexcept;

}  // namespace sluice
