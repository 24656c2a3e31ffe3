// SPDX-License-Identifier: GPL-2.0-or-later
#include <node_api.h>

#include "test/fault/fault.h"

// fault.node: fault(kind), which commits one (fault.h). test/torture/sanitizers.test.ts sees to it that it
// does not go unnoticed in Node.
namespace {

napi_value Commit(napi_env env, napi_callback_info info) {
  size_t count = 1;
  napi_value argument;
  char kind[16] = "";
  napi_get_cb_info(env, info, &count, &argument, nullptr, nullptr);
  napi_get_value_string_utf8(env, argument, kind, sizeof kind, nullptr);
  sluice::test::CommitFault(kind);
  return nullptr;
}

napi_value Init(napi_env env, napi_value exports) {
  napi_value function;
  napi_create_function(env, "fault", NAPI_AUTO_LENGTH, Commit, nullptr, &function);
  napi_set_named_property(env, exports, "fault", function);
  return exports;
}

}  // namespace

NAPI_MODULE(fault, Init)
