// SPDX-License-Identifier: GPL-2.0-or-later
#include <napi.h>

#include <exception>

#include "legacy/commit.h"
#include "node/door.h"
#include "node/task_runner.h"

// legacy.node: the core with the back end on libip4tc and libip6tc.
namespace {

Napi::Object Init(Napi::Env env, Napi::Object exports) {
  sluice::Backends backends;
  backends.legacy = &sluice::legacy::kBackend;
  try {
    sluice::node::ExportDoor(env, exports, backends);
  } catch (const std::exception&) {
    throw sluice::MakeError(env, std::current_exception());
  }
  return exports;
}

}  // namespace

NODE_API_MODULE(legacy, Init)
