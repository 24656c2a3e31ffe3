// SPDX-License-Identifier: GPL-2.0-or-later
#include "legacy/commit.h"
#include "nft/commit.h"
#include "nftables/commit.h"
#include "quickjs/program.h"

// For what only writes rules.
namespace sluice {

extern const Backends kBackends = {&nft::kBackend, &legacy::kBackend, &nftables::kBackend, nullptr, {}, {}};

extern const Service kServices[] = {{nullptr, nullptr}};

}  // namespace sluice
