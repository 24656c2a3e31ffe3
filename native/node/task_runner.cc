// SPDX-License-Identifier: GPL-2.0-or-later
#include "node/task_runner.h"

#include <sys/eventfd.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <exception>
#include <memory>
#include <system_error>
#include <thread>
#include <utility>

#include "core/error.h"

namespace sluice {

// Owns itself from the start of its thread: Deliver, the last to see it, deletes it.
struct TaskRunner::Task {
  Task(Napi::Env env, std::function<TaskOutcome()> what)
      : deferred(Napi::Promise::Deferred::New(env)), work(std::move(what)) {}

  void Settle(Napi::Env env, std::map<int, FileDescriptor>& kept);

  Napi::Promise::Deferred deferred;
  std::function<TaskOutcome()> work;
  TaskOutcome outcome;
  std::exception_ptr failure;
  std::thread thread;
};

TaskRunner::TaskRunner(Napi::Env env) : cancel_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  if (!cancel_.valid()) throw SystemCallError(errno, "eventfd", "cannot make the addon's eventfd");
  deliver_ = decltype(deliver_)::New(env, "sluice", 0, 1, this);
  deliver_.Unref(env);
  // Hooks run last in, first out: the threads have ended before Node closes deliver_, which they use.
  env.AddCleanupHook([this] { Stop(); });
}

Napi::Value TaskRunner::Run(Napi::Env env, std::function<TaskOutcome()> work) {
  auto task = std::make_unique<Task>(env, std::move(work));
  const Napi::Value promise = task->deferred.Promise();
  Task* running = task.get();
  running_.insert(running);
  try {
    running->thread = std::thread([this, running] {
      try {
        running->outcome = running->work();
      } catch (...) {
        running->failure = std::current_exception();
      }
      deliver_.NonBlockingCall(running);
    });
  } catch (const std::system_error& error) {
    running_.erase(running);
    throw SystemCallError(error.code().value(), "clone", "cannot start a thread");
  }
  // The thread cannot deliver before this function has returned to the event loop.
  task.release();
  if (running_.size() == 1) deliver_.Ref(env);
  return promise;
}

// Runs on the JavaScript thread; with a null `env` when the environment has ended (then `runner` may be gone,
// too).
void TaskRunner::Deliver(Napi::Env env, Napi::Function, TaskRunner* runner, Task* delivered) {
  const std::unique_ptr<Task> task(delivered);
  if (task->thread.joinable()) task->thread.join();
  if (env == nullptr) return;
  runner->running_.erase(delivered);
  try {
    if (runner->running_.empty()) runner->deliver_.Unref(env);
    task->Settle(env, runner->kept_);
  } catch (const Napi::Error&) {
    // The worker is being terminated: no JavaScript can run, and none waits.
  }
}

void TaskRunner::Task::Settle(Napi::Env env, std::map<int, FileDescriptor>& kept) {
  if (failure) return deferred.Reject(MakeError(env, failure).Value());
  if (auto* descriptor = std::get_if<FileDescriptor>(&outcome)) {
    deferred.Resolve(Napi::Number::New(env, descriptor->get()));
    descriptor->Release();  // only now is somebody else its owner
  } else if (auto* to_keep = std::get_if<KeptDescriptor>(&outcome)) {
    const int number = to_keep->descriptor.get();
    kept.insert_or_assign(number, std::move(to_keep->descriptor));
    deferred.Resolve(Napi::Number::New(env, number));
  } else if (const auto* text = std::get_if<std::string>(&outcome)) {
    deferred.Resolve(Napi::String::New(env, *text));
  } else {
    deferred.Resolve(env.Undefined());
  }
}

void TaskRunner::Stop() {
  const uint64_t one = 1;
  // It can only fail when the counter is full, and then the descriptor is readable already.
  [[maybe_unused]] const ssize_t written = write(cancel_.get(), &one, sizeof(one));
  for (Task* task : running_) {
    if (task->thread.joinable()) task->thread.join();
  }
}

Napi::Error MakeError(Napi::Env env, std::exception_ptr thrown) {
  try {
    std::rethrow_exception(thrown);
  } catch (const Error& error) {
    Napi::Error result = Napi::Error::New(env, error.detail);
    result.Set("code", Napi::String::New(env, Name(error.code)));
    if (error.error_number != 0) {
      const std::string reason = std::generic_category().message(error.error_number);
      result.Set("errno", Napi::Number::New(env, error.error_number));
      result.Set("reason", Napi::String::New(env, reason));
      result.Set("syscall", Napi::String::New(env, error.syscall));
    }
    return result;
  } catch (const std::exception& error) {
    Napi::Error result = Napi::Error::New(env, error.what());
    result.Set("code", Napi::String::New(env, Name(ErrorCode::kSystemCallFailed)));
    return result;
  }
}

}  // namespace sluice
