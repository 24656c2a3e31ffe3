// SPDX-License-Identifier: GPL-2.0-or-later
#include "node/task_runner.h"

#include <sys/eventfd.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <exception>
#include <memory>
#include <mutex>
#include <new>
#include <set>
#include <system_error>
#include <thread>
#include <utility>

#include "core/error.h"

namespace sluice {
namespace {

void MakeReadable(int event_descriptor) {
  const uint64_t one = 1;
  // It can only fail when the counter is full, and then the descriptor is readable already.
  [[maybe_unused]] const ssize_t written = write(event_descriptor, &one, sizeof(one));
}

// The work of all environments. process.exit() and an exception that nobody catches end Node by exit(3),
// without the cleanup hooks of the main thread's environment, and the work would end between any two system
// calls: in mode legacy, between the tables of the two families. This is destroyed then, too, and waits.
class WorkUnderWay {
 public:
  ~WorkUnderWay() {
    for (const int descriptor : cancel_descriptors_) MakeReadable(descriptor);
    while (count_ > 0) std::this_thread::sleep_for(std::chrono::microseconds(100));
  }

  void Add(int cancel_descriptor) {
    const std::lock_guard<std::mutex> lock(mutex_);
    cancel_descriptors_.insert(cancel_descriptor);
  }
  void Remove(int cancel_descriptor) {
    const std::lock_guard<std::mutex> lock(mutex_);
    cancel_descriptors_.erase(cancel_descriptor);
  }

  void Begin() { ++count_; }
  void End() { --count_; }

 private:
  std::atomic<int> count_ = 0;
  std::mutex mutex_;
  std::set<int> cancel_descriptors_;
};

WorkUnderWay under_way;

// A call that finds fewer threads that are still closing a connection is answered before its own closes it,
// too. Who makes calls faster than the kernel lets go waits for it again.
constexpr size_t kMostClosing = 8;

}  // namespace

// Owns itself from the start of its thread: Deliver, the last to see it, deletes it. It is delivered once,
// or, with a connection to let go of, twice: with its outcome, and when the thread has nothing left to do.
struct TaskRunner::Task {
  Task(Napi::Env env, std::function<TaskOutcome()> what)
      : deferred(Napi::Promise::Deferred::New(env)), work(std::move(what)) {}

  void Work();
  void Settle(Napi::Env env, std::map<int, FileDescriptor>& kept);

  Napi::Promise::Deferred deferred;
  std::function<TaskOutcome()> work;
  TaskOutcome outcome;
  std::exception_ptr failure;
  std::shared_ptr<void> connection;  // the thread's own
  bool may_close_later = false;      // written before the thread starts
  bool twice = false;                // written before the first delivery
  bool settled = false;              // touched on the JavaScript thread only
  std::thread thread;
};

void TaskRunner::Task::Work() {
  try {
    outcome = work();
  } catch (...) {
    failure = std::current_exception();
  }
  if (auto* reply = std::get_if<Reply>(&outcome)) connection = std::move(reply->connection);
  if (!may_close_later) connection.reset();
  twice = connection != nullptr;
}

TaskRunner::TaskRunner(Napi::Env env) : cancel_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  if (!cancel_.valid()) throw SystemCallError(errno, "eventfd", "cannot make the addon's eventfd");
  deliver_ = decltype(deliver_)::New(env, "sluice", 0, 1, this);
  deliver_.Unref(env);
  // Hooks run last in, first out: the threads have ended before Node closes deliver_, which they use.
  env.AddCleanupHook([this] { Stop(); });
  under_way.Add(cancel_descriptor());
}

TaskRunner::~TaskRunner() { under_way.Remove(cancel_descriptor()); }

Napi::Value TaskRunner::Run(Napi::Env env, std::function<TaskOutcome()> work) {
  auto task = std::make_unique<Task>(env, std::move(work));
  const Napi::Value promise = task->deferred.Promise();
  Task* running = task.get();
  running->may_close_later = running_.size() - unsettled_ < kMostClosing;
  running_.insert(running);
  under_way.Begin();
  try {
    running->thread = std::thread([this, running] {
      running->Work();
      // Once it was delivered for the last time, the task may be gone.
      const bool twice = running->twice;
      deliver_.NonBlockingCall(running);
      if (twice) {
        running->connection.reset();
        deliver_.NonBlockingCall(running);
      }
      under_way.End();
    });
  } catch (const std::bad_alloc&) {
    under_way.End();
    running_.erase(running);
    throw;
  } catch (const std::system_error& error) {
    under_way.End();
    running_.erase(running);
    throw SystemCallError(error.code().value(), "clone", "cannot start a thread");
  }
  // The thread cannot deliver before this function has returned to the event loop.
  task.release();
  if (++unsettled_ == 1) deliver_.Ref(env);
  return promise;
}

// Runs on the JavaScript thread; with a null `env` when the environment has ended (then `runner` may be gone,
// too).
void TaskRunner::Deliver(Napi::Env env, Napi::Function, TaskRunner* runner, Task* delivered) {
  if (delivered->twice && !delivered->settled) {
    delivered->settled = true;
    if (env != nullptr) runner->Settle(env, *delivered);
    return;
  }
  const std::unique_ptr<Task> task(delivered);
  if (task->thread.joinable()) task->thread.join();
  if (env == nullptr) return;
  runner->running_.erase(delivered);
  if (!task->settled) runner->Settle(env, *task);
}

void TaskRunner::Settle(Napi::Env env, Task& task) {
  try {
    // Who is answered need not wait for what a thread still lets go of; the end of the environment does.
    if (--unsettled_ == 0) deliver_.Unref(env);
    task.Settle(env, kept_);
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
  } else if (const auto* reply = std::get_if<Reply>(&outcome)) {
    deferred.Resolve(Napi::String::New(env, reply->text));
  } else {
    deferred.Resolve(env.Undefined());
  }
}

void TaskRunner::Stop() {
  MakeReadable(cancel_descriptor());
  for (Task* task : running_) {
    if (task->thread.joinable()) task->thread.join();
  }
}

namespace {

Napi::Error SystemCallFailed(Napi::Env env, const char* what) {
  Napi::Error result = Napi::Error::New(env, what);
  result.Set("code", Napi::String::New(env, Name(ErrorCode::kSystemCallFailed)));
  return result;
}

}  // namespace

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
  } catch (const std::bad_alloc&) {
    return SystemCallFailed(env, "out of memory; what the kernel was asked for may have been done");
  } catch (const std::exception& error) {
    return SystemCallFailed(env, error.what());
  }
}

}  // namespace sluice
