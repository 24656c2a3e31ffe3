// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <napi.h>

#include <cstddef>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <variant>

#include "core/core.h"
#include "core/file_descriptor.h"

namespace sluice {

// A descriptor that JavaScript is told, and that stays the runner's until it is closed.
struct KeptDescriptor {
  FileDescriptor descriptor;
};

// What work on a thread gives to JavaScript: undefined, a descriptor (which Node then owns), one that the
// runner keeps, or text. Of a Reply, JavaScript has the text before the thread lets go of the connection.
using TaskOutcome = std::variant<std::monostate, FileDescriptor, KeptDescriptor, std::string, Reply>;

// Runs work on threads of their own and settles promises with what comes out. One for each environment that
// loads the addon (the main thread, a worker). Never libuv's pool: its threads serve others, and must not
// wait for us.
class TaskRunner {
 public:
  explicit TaskRunner(Napi::Env env);
  ~TaskRunner();
  TaskRunner(const TaskRunner&) = delete;
  TaskRunner& operator=(const TaskRunner&) = delete;

  // `work` must not touch JavaScript. What it throws rejects the promise (MakeError).
  Napi::Value Run(Napi::Env env, std::function<TaskOutcome()> work);

  // Closes a kept descriptor; any other number is left alone. Those that are left are closed with the
  // environment.
  void Close(int descriptor) { kept_.erase(descriptor); }

  // Becomes readable when the environment goes away: work that waits must stop waiting then.
  int cancel_descriptor() const { return cancel_.get(); }

 private:
  struct Task;
  static void Deliver(Napi::Env env, Napi::Function, TaskRunner* runner, Task* task);
  void Settle(Napi::Env env, Task& task);
  void Stop();

  FileDescriptor cancel_;
  std::set<Task*> running_;             // touched on the JavaScript thread only
  size_t unsettled_ = 0;                // so is this: of those, how many somebody waits for
  std::map<int, FileDescriptor> kept_;  // and these, by their numbers
  Napi::TypedThreadSafeFunction<TaskRunner, Task, &TaskRunner::Deliver> deliver_;
};

// The JavaScript Error for what a call threw: a message without the errno, `code` (NetfilterErrorCode) and,
// where a system call failed, `errno`, `reason` and `syscall`.
Napi::Error MakeError(Napi::Env env, std::exception_ptr thrown);

}  // namespace sluice
