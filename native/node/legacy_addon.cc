// SPDX-License-Identifier: GPL-2.0-or-later
#include <napi.h>

#include "legacy/commit.h"
#include "node/door.h"

// legacy.node: the core with the back end on libip4tc and libip6tc.
namespace {

Napi::Object Init(Napi::Env env, Napi::Object exports) {
  sluice::Backends backends;
  backends.legacy = &sluice::legacy::kBackend;
  backends.rehearsals.legacy = sluice::legacy::Rehearse;
  return sluice::node::ExportDoor(env, exports, backends);
}

}  // namespace

NODE_API_MODULE(legacy, Init)
