// SPDX-License-Identifier: GPL-2.0-or-later
#include "files/service.h"
#include "https/service.h"
#include "legacy/commit.h"
#include "look/operations.h"
#include "nft/commit.h"
#include "nftables/commit.h"
#include "quickjs/program.h"

// For the CNI plugin: it writes rules, looks, and asks the Kubernetes API.
namespace sluice {

extern const Backends kBackends = {&nft::kBackend, &legacy::kBackend, &nftables::kBackend,
                                   nullptr,        look::kOperations, {}};

extern const Service kServices[] = {{"files", files::Answer}, {"https", https::Answer}, {nullptr, nullptr}};

}  // namespace sluice
