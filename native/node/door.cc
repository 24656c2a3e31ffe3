// SPDX-License-Identifier: GPL-2.0-or-later
#include "node/door.h"

#include <list>
#include <memory>
#include <string>
#include <system_error>
#include <thread>

namespace sluice::node {
namespace {

// One request on its way: the thread that works and the promise that waits.
struct Call {
  Call(Napi::Env env, std::string text)
      : deferred(Napi::Promise::Deferred::New(env)), request(std::move(text)) {}

  Napi::Promise::Deferred deferred;
  std::string request;
  std::string reply;
  std::thread thread;
  Napi::ThreadSafeFunction done;
};

// Lives as long as the environment (a worker's may end before the process): its end waits for the threads,
// which run code of this library. Their deadline bounds the wait.
class Door {
 public:
  explicit Door(const Backends& backends) : backends_(backends) {}
  Door(const Door&) = delete;
  Door& operator=(const Door&) = delete;
  ~Door() {
    for (Call& call : calls_) {
      if (call.thread.joinable()) call.thread.join();
    }
  }

  Napi::Value Open(const Napi::CallbackInfo& info) {
    const Napi::Env env = info.Env();
    if (info.Length() != 1 || !info[0].IsString()) throw Napi::TypeError::New(env, "call takes one string");
    const auto call = calls_.emplace(calls_.end(), env, info[0].As<Napi::String>().Utf8Value());
    const Napi::Promise promise = call->deferred.Promise();
    const auto settle = Napi::Function::New(env, [this, call](const Napi::CallbackInfo&) { Settle(call); });
    call->done = Napi::ThreadSafeFunction::New(env, settle, "sluice", 1, 1);
    try {
      call->thread = std::thread([this, call] {
        call->reply = sluice::Call(call->request, backends_);
        call->done.BlockingCall();
        call->done.Release();
      });
    } catch (const std::system_error& error) {
      call->done.Release();
      calls_.erase(call);
      throw Napi::Error::New(env, std::string("cannot start a thread: ") + error.what());
    }
    return promise;
  }

 private:
  void Settle(std::list<Call>::iterator call) {
    call->thread.join();
    call->deferred.Resolve(Napi::String::New(call->deferred.Env(), call->reply));
    calls_.erase(call);
  }

  const Backends backends_;
  std::list<Call> calls_;
};

}  // namespace

void ExportDoor(Napi::Env env, Napi::Object exports, const Backends& backends) {
  auto* door = new Door(backends);
  env.SetInstanceData<Door>(door);
  exports.Set("call", Napi::Function::New(
                          env, [door](const Napi::CallbackInfo& info) { return door->Open(info); }, "call"));
}

}  // namespace sluice::node
