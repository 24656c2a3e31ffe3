// SPDX-License-Identifier: GPL-2.0-or-later
#include "quickjs/host.h"

#include <quickjs/quickjs.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstring>
#include <new>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "core/core.h"
#include "quickjs/memory.h"
#include "quickjs/system.h"
#include "quickjs/utf8.h"

// The Host of src/host/host.ts for QuickJS: src/host/standalone.ts wraps the global object sluiceNative made
// here.
namespace sluice {
namespace {

// What the native functions share, reached through the context's opaque pointer.
struct State {
  std::optional<int> exit_code;
  std::vector<JSValue> unhandled;  // promises that were rejected, and that nobody waits for
};

State& StateOf(JSContext* context) { return *static_cast<State*>(JS_GetContextOpaque(context)); }

JSValue NewString(JSContext* context, std::string_view bytes) {
  const bool ascii =
      std::all_of(bytes.begin(), bytes.end(), [](char c) { return static_cast<signed char>(c) >= 0; });
  if (ascii) return JS_NewStringLen(context, bytes.data(), bytes.size());
  const std::string text = ToValidUtf8(bytes);
  return JS_NewStringLen(context, text.data(), text.size());
}

// Throws a plain Error. JS_ThrowInternalError and its like would cut the message at 255 bytes.
JSValue ThrowError(JSContext* context, std::string_view message) {
  const JSValue error = JS_NewError(context);
  if (JS_IsException(error)) return error;
  JS_DefinePropertyValueStr(context, error, "message", NewString(context, message),
                            JS_PROP_WRITABLE | JS_PROP_CONFIGURABLE);
  return JS_Throw(context, error);
}

// A JavaScript exception is pending; unwinds to the native function's edge.
struct Pending {};

std::string ToString(JSContext* context, JSValueConst value) {
  size_t length;
  const char* text = JS_ToCStringLen(context, &length, value);
  if (text == nullptr) throw Pending();
  std::string copy(text, length);
  JS_FreeCString(context, text);
  ReplaceSurrogates(copy);
  return copy;
}

// The same, for what libc takes as a C string.
std::string ToName(JSContext* context, JSValueConst value) {
  std::string name = ToString(context, value);
  if (name.find('\0') != std::string::npos)
    throw std::runtime_error("a name must not contain a NUL character");
  return name;
}

int ToInt(JSContext* context, JSValueConst value) {
  int32_t number;
  if (JS_ToInt32(context, &number, value) != 0) throw Pending();
  return number;
}

// A native function proper. It is declared with as many arguments as it reads; QuickJS fills up with
// undefined.
using Function = JSValue (*)(JSContext* context, JSValueConst* arguments);

JSValue Env(JSContext* context, JSValueConst* arguments) {
  const auto value = Environment(ToName(context, arguments[0]));
  return value ? NewString(context, *value) : JS_UNDEFINED;
}

JSValue ReadFileText(JSContext* context, JSValueConst* arguments) {
  return NewString(context, ReadFile(ToName(context, arguments[0])));
}

JSValue Write(JSContext* context, JSValueConst* arguments) {
  WriteAll(ToInt(context, arguments[0]), ToString(context, arguments[1]));
  return JS_UNDEFINED;
}

JSValue IsTerminal(JSContext* context, JSValueConst* arguments) {
  return JS_NewBool(context, isatty(ToInt(context, arguments[0])));
}

JSValue CallCore(JSContext* context, JSValueConst* arguments) {
  NoteCoreAsked();
  return NewString(context, Call(ToString(context, arguments[0]), kBackends, SignalDescriptor()).text);
}

// A service's answer; undefined, if this executable has none of that name.
JSValue Ask(JSContext* context, JSValueConst* arguments) {
  const std::string name = ToString(context, arguments[0]);
  for (const Service* service = kServices; service->name != nullptr; service++) {
    if (name == service->name) return NewString(context, service->answer(ToString(context, arguments[1])));
  }
  return JS_UNDEFINED;
}

JSValue StartCatchingSignals(JSContext*, JSValueConst*) {
  CatchSignals();
  return JS_UNDEFINED;
}

JSValue NameCaughtSignal(JSContext* context, JSValueConst*) {
  const std::optional<int> number = CaughtSignal();
  if (!number) return JS_UNDEFINED;
  return NewString(context, *number == SIGINT ? "SIGINT" : "SIGTERM");
}

JSValue SetExitCode(JSContext* context, JSValueConst* arguments) {
  StateOf(context).exit_code = ToInt(context, arguments[0]);
  return JS_UNDEFINED;
}

// No C++ exception may pass through QuickJS, which is C.
template <Function function>
JSValue Guarded(JSContext* context, JSValueConst, int, JSValueConst* arguments) {
  try {
    return function(context, arguments);
  } catch (const Pending&) {
    return JS_EXCEPTION;
  } catch (const std::bad_alloc&) {
    EndForWantOfMemory(kProgram.name);
  } catch (const std::exception& error) {
    return ThrowError(context, error.what());
  }
}

template <Function function>
void Define(JSContext* context, JSValueConst object, const char* name, int arity) {
  JS_SetPropertyStr(context, object, name, JS_NewCFunction(context, Guarded<function>, name, arity));
}

void DefineNative(JSContext* context, int argc, char** argv) {
  const JSValue arguments = JS_NewArray(context);
  for (int i = 1; i < argc; i++) {
    JS_SetPropertyUint32(context, arguments, static_cast<uint32_t>(i - 1), NewString(context, argv[i]));
  }
  const JSValue native = JS_NewObject(context);
  JS_SetPropertyStr(context, native, "args", arguments);
  Define<Env>(context, native, "env", 1);
  Define<ReadFileText>(context, native, "readFile", 1);
  Define<Write>(context, native, "write", 2);
  Define<IsTerminal>(context, native, "isTerminal", 1);
  Define<CallCore>(context, native, "call", 1);
  Define<Ask>(context, native, "ask", 2);
  Define<StartCatchingSignals>(context, native, "catchSignals", 0);
  Define<NameCaughtSignal>(context, native, "caughtSignal", 0);
  Define<SetExitCode>(context, native, "setExitCode", 1);
  const JSValue global = JS_GetGlobalObject(context);
  JS_SetPropertyStr(context, global, "sluiceNative", native);
  JS_FreeValue(context, global);
}

void TrackRejection(JSContext* context, JSValueConst promise, JSValueConst, JS_BOOL is_handled, void*) {
  auto& unhandled = StateOf(context).unhandled;
  const auto same = [&](JSValueConst other) { return JS_VALUE_GET_PTR(other) == JS_VALUE_GET_PTR(promise); };
  const auto found = std::find_if(unhandled.begin(), unhandled.end(), same);
  if (!is_handled) {
    unhandled.push_back(JS_DupValue(context, promise));
  } else if (found != unhandled.end()) {
    JS_FreeValue(context, *found);
    unhandled.erase(found);
  }
}

// QuickJS checks its own depth against a bound that must lie well within the real stack.
size_t StackSize() {
  rlimit limit;
  if (getrlimit(RLIMIT_STACK, &limit) != 0) return JS_DEFAULT_STACK_SIZE;
  return std::min<size_t>(JS_DEFAULT_STACK_SIZE, limit.rlim_cur / 2);
}

// Only what the bundles use: each costs start-up time. scripts/bundle.mjs refuses a bundle that names
// another.
JSContext* NewContext(JSRuntime* runtime) {
  JSContext* context = JS_NewContextRaw(runtime);
  if (context == nullptr) return nullptr;
  JS_AddIntrinsicBaseObjects(context);
  JS_AddIntrinsicDate(context);
  JS_AddIntrinsicRegExp(context);
  JS_AddIntrinsicJSON(context);
  JS_AddIntrinsicMapSet(context);
  JS_AddIntrinsicPromise(context);
  return context;
}

// One line, whatever the reason holds.
void Report(const Program& program, std::string reason) {
  std::replace_if(
      reason.begin(), reason.end(), [](char c) { return static_cast<unsigned char>(c) < ' '; }, ' ');
  try {
    WriteAll(2, std::string(program.name) + ": " + reason + "\n");
  } catch (const std::exception&) {
    // Nobody is there to be told; the exit code says it.
  }
}

std::string Describe(JSContext* context, JSValueConst reason) {
  try {
    return ToString(context, reason);
  } catch (const Pending&) {
    return "an exception that has no text";
  }
}

std::string TakeException(JSContext* context) { return Describe(context, JS_GetException(context)); }

// Why the program did not come to its end, if so.
std::optional<std::string> Execute(JSContext* context, const Program& program, const State& state) {
  const JSValue module = JS_ReadObject(context, program.bytecode, program.size, JS_READ_OBJ_BYTECODE);
  if (JS_IsException(module) || JS_ResolveModule(context, module) != 0) return TakeException(context);
  // A promise: what the module throws is among the unhandled rejections. Holding on to the module spares
  // taking it apart at its end.
  if (JS_IsException(JS_EvalFunction(context, JS_DupValue(context, module)))) return TakeException(context);
  int executed;
  do {
    JSContext* job_context;
    executed = JS_ExecutePendingJob(JS_GetRuntime(context), &job_context);
  } while (executed > 0);
  if (executed < 0) return TakeException(context);
  if (!state.unhandled.empty()) return Describe(context, JS_PromiseResult(context, state.unhandled.front()));
  if (!state.exit_code) return "ended while it was still waiting for something";
  return std::nullopt;
}

}  // namespace

// Nothing is torn down: the process ends right after this, and its memory with it.
int Run(const Program& program, int argc, char** argv) {
  State state;
  JSRuntime* runtime = JS_NewRuntime2(&kMemory, nullptr);
  JSContext* context = runtime == nullptr ? nullptr : NewContext(runtime);
  if (context == nullptr) EndForWantOfMemory(program.name);
  JS_SetMaxStackSize(runtime, StackSize());
  // A run is over before looking for cycles pays: 2 % of it with the default, 256 KiB.
  JS_SetGCThreshold(runtime, size_t{2} << 20);
  JS_SetContextOpaque(context, &state);
  JS_SetHostPromiseRejectionTracker(runtime, TrackRejection, nullptr);
  DefineNative(context, argc, argv);
  const std::optional<std::string> failure = Execute(context, program, state);
  if (!failure) return *state.exit_code;
  Report(program, *failure);
  return 1;
}

}  // namespace sluice
