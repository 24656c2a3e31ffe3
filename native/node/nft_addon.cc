// SPDX-License-Identifier: GPL-2.0-or-later
#include <napi.h>

#include <exception>

#include "nft/commit.h"
#include "node/door.h"
#include "node/task_runner.h"

// nft.node: the core with the back end on libnftnl and libmnl.
namespace {

Napi::Object Init(Napi::Env env, Napi::Object exports) {
  sluice::Backends backends;
  backends.nft = &sluice::nft::kBackend;
  try {
    sluice::node::ExportDoor(env, exports, backends);
  } catch (const std::exception&) {
    throw sluice::MakeError(env, std::current_exception());
  }
  return exports;
}

}  // namespace

NODE_API_MODULE(nft, Init)
