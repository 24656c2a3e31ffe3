// SPDX-License-Identifier: GPL-2.0-or-later
#include "files/service.h"
#include "https/service.h"
#include "legacy/commit.h"
#include "look/operations.h"
#include "nft/commit.h"
#include "nftables/commit.h"
#include "quickjs/daemon_service.h"
#include "quickjs/program.h"
#include "socket/exchange.h"

// For the tests: what every command has, and every service.
namespace sluice {

extern const Backends kBackends = {
    &nft::kBackend, &legacy::kBackend, &nftables::kBackend,
    Exchange,       look::kOperations, {nft::Rehearse, legacy::Rehearse, nftables::Rehearse}};

extern const Service kServices[] = {
    {"daemon", AnswerDaemon}, {"files", files::Answer}, {"https", https::Answer}, {nullptr, nullptr}};

}  // namespace sluice
