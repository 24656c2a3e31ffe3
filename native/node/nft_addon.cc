// SPDX-License-Identifier: GPL-2.0-or-later
#include <napi.h>

#include "nft/commit.h"
#include "nftables/commit.h"
#include "node/door.h"

// nft.node: the core with the back end on libnftnl and libmnl.
namespace {

Napi::Object Init(Napi::Env env, Napi::Object exports) {
  sluice::Backends backends;
  backends.nft = &sluice::nft::kBackend;
  backends.nftables = &sluice::nftables::kBackend;
  backends.rehearsals.nft = sluice::nft::Rehearse;
  backends.rehearsals.nftables = sluice::nftables::Rehearse;
  return sluice::node::ExportDoor(env, exports, backends);
}

}  // namespace

NODE_API_MODULE(nft, Init)
