// SPDX-License-Identifier: GPL-2.0-or-later
#include "files/service.h"
#include "legacy/commit.h"
#include "look/operations.h"
#include "nft/commit.h"
#include "nftables/commit.h"
#include "quickjs/daemon_service.h"
#include "quickjs/program.h"
#include "socket/exchange.h"

// For what has every command.
namespace sluice {

extern const Backends kBackends = {
    &nft::kBackend, &legacy::kBackend, &nftables::kBackend,
    Exchange,       look::kOperations, {nft::Rehearse, legacy::Rehearse, nftables::Rehearse}};

extern const Service kServices[] = {{"files", files::Answer}, {"daemon", AnswerDaemon}, {nullptr, nullptr}};

}  // namespace sluice
