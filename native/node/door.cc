// SPDX-License-Identifier: GPL-2.0-or-later
#include "node/door.h"

#include <exception>
#include <string>
#include <utility>

#include "node/task_runner.h"

namespace sluice::node {
namespace {

Napi::Value Open(const Napi::CallbackInfo& info, const Backends& backends) {
  const Napi::Env env = info.Env();
  if (info.Length() != 1 || !info[0].IsString()) throw Napi::TypeError::New(env, "call takes one string");
  std::string request = info[0].As<Napi::String>().Utf8Value();
  try {
    TaskRunner& runner = *env.GetInstanceData<TaskRunner>();
    return runner.Run(env, [request = std::move(request), backends, cancel = runner.cancel_descriptor()] {
      return Call(request, backends, cancel);
    });
  } catch (const std::exception&) {
    throw MakeError(env, std::current_exception());
  }
}

}  // namespace

Napi::Object ExportDoor(Napi::Env env, Napi::Object exports, const Backends& backends) {
  try {
    env.SetInstanceData(new TaskRunner(env));  // Node-API deletes it with the environment
    const auto open = [backends](const Napi::CallbackInfo& info) { return Open(info, backends); };
    exports.Set("call", Napi::Function::New(env, open, "call"));
    return exports;
  } catch (const std::exception&) {
    throw MakeError(env, std::current_exception());
  }
}

}  // namespace sluice::node
