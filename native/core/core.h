// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/commit.h"
#include "core/error.h"
#include "core/exchange.h"
#include "core/json.h"

namespace sluice {

// An op that is no back end's: it reads the request, does its work, and writes one value. It may throw Error.
struct Operation {
  std::string_view name;
  void (*answer)(const json::Value& request, const json::Place& place, json::Writer& writer);
};

// What a kernel would refuse of a commit, found by trying (the op "rehearse"), for each mode; null: this host
// does not try. Throws Error where the commit would end before it sends anything.
using Rehearsal = std::vector<Error> (*)(const RulesetRequest& request);

struct Rehearsals {
  Rehearsal nft = nullptr;
  Rehearsal legacy = nullptr;
  Rehearsal nftables = nullptr;
};

struct Operations {
  const Operation* items = nullptr;
  size_t count = 0;

  const Operation* begin() const { return items; }
  const Operation* end() const { return items + count; }
};

// What this host is linked with. A mode that is null is answered with mode-unavailable, another operation
// that is not there with invalid-request.
struct Backends {
  const Backend* nft = nullptr;
  const Backend* legacy = nullptr;
  const Backend* nftables = nullptr;
  ExchangeResult (*exchange)(const ExchangeRequest& request) = nullptr;
  Operations operations = {};  // beside those of the core
  Rehearsals rehearsals = {};
};

struct Reply {
  std::string text;  // JSON
  // What the work went through. To close a netlink socket after rules were deleted waits for the kernel's
  // readers (nft_rcv_nl_event in net/netfilter/nf_tables_api.c): some 10 ms, so better after the text was
  // handed on.
  std::shared_ptr<void> connection;
};

// The one door: a JSON request in, a JSON reply out (docs/core.md). The calling thread stays in its network
// namespace: work for another one is done on a thread that ends with it. When the descriptor becomes
// readable, an exchange stops waiting; -1: nobody will stop it. Throws std::bad_alloc, and nothing else: when
// there is no memory for a reply either. What the kernel was asked for may have been done then.
Reply Call(std::string_view request, const Backends& backends, int cancel_descriptor = -1);

}  // namespace sluice
