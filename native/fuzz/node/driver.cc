// SPDX-License-Identifier: GPL-2.0-or-later

// libFuzzer for code that runs in Node: an addon with two functions. run(options, counters, target) is
// libFuzzer's main, which ends the process; `counters` is a Uint8Array that instrumented code counts in, one
// byte for each way that it can go, and `target` takes an input as a Uint8Array. compared(a, b) tells of two
// strings that were found to be different: libFuzzer tries to make one of the other.
//
// jazzer.js is the same, but its addon wants a newer C library than Debian 12 has.

#include <node_api.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

extern "C" int LLVMFuzzerRunDriver(int* argc, char*** argv, int (*target)(const uint8_t* data, size_t size));
extern "C" void __sanitizer_cov_8bit_counters_init(uint8_t* start, uint8_t* stop);
extern "C" void __sanitizer_weak_hook_memcmp(void* caller, const void* a, const void* b, size_t size,
                                             int result);

namespace {

napi_env environment;
napi_value target;

// A status that is not napi_ok leaves the exception, if there is one, to Node.
bool Failed(napi_status status) { return status != napi_ok; }

std::string Text(napi_env env, napi_value value) {
  size_t length = 0;
  if (Failed(napi_get_value_string_utf8(env, value, nullptr, 0, &length))) return "";
  std::string text(length + 1, '\0');
  napi_get_value_string_utf8(env, value, text.data(), text.size(), &length);
  text.resize(length);
  return text;
}

int RunOne(const uint8_t* data, size_t size) {
  napi_handle_scope scope = nullptr;
  napi_open_handle_scope(environment, &scope);
  void* bytes = nullptr;
  napi_value buffer = nullptr;
  napi_value input = nullptr;
  napi_value receiver = nullptr;
  napi_create_arraybuffer(environment, size, &bytes, &buffer);
  if (size > 0) memcpy(bytes, data, size);
  napi_create_typedarray(environment, napi_uint8_array, size, buffer, 0, &input);
  napi_get_undefined(environment, &receiver);
  // The target has said what it found. libFuzzer keeps the input of whatever aborts.
  if (Failed(napi_call_function(environment, receiver, target, 1, &input, nullptr))) abort();
  napi_close_handle_scope(environment, scope);
  return 0;
}

napi_value Run(napi_env env, napi_callback_info info) {
  std::array<napi_value, 3> arguments{};
  size_t count = arguments.size();
  napi_get_cb_info(env, info, &count, arguments.data(), nullptr, nullptr);
  uint32_t length = 0;
  napi_get_array_length(env, arguments[0], &length);
  std::vector<std::string> texts;
  for (uint32_t i = 0; i < length; ++i) {
    napi_value item = nullptr;
    napi_get_element(env, arguments[0], i, &item);
    texts.push_back(Text(env, item));
  }
  size_t counter_count = 0;
  void* counters = nullptr;
  napi_get_typedarray_info(env, arguments[1], nullptr, &counter_count, &counters, nullptr, nullptr);
  auto* first = static_cast<uint8_t*>(counters);
  __sanitizer_cov_8bit_counters_init(first, first + counter_count);
  environment = env;
  target = arguments[2];
  std::vector<char*> argv;
  for (std::string& text : texts) argv.push_back(text.data());
  argv.push_back(nullptr);
  int argc = static_cast<int>(texts.size());
  char** pointers = argv.data();
  // Not by exit(3): Node's destructors would run while its JavaScript does.
  _Exit(LLVMFuzzerRunDriver(&argc, &pointers, RunOne));
}

napi_value Compared(napi_env env, napi_callback_info info) {
  std::array<napi_value, 2> arguments{};
  size_t count = arguments.size();
  napi_get_cb_info(env, info, &count, arguments.data(), nullptr, nullptr);
  const std::string a = Text(env, arguments[0]);
  const std::string b = Text(env, arguments[1]);
  __sanitizer_weak_hook_memcmp(nullptr, a.data(), b.data(), std::min(a.size(), b.size()), 1);
  return nullptr;
}

napi_value Init(napi_env env, napi_value exports) {
  const std::array<napi_property_descriptor, 2> functions = {
      napi_property_descriptor{"run", nullptr, Run, nullptr, nullptr, nullptr, napi_enumerable, nullptr},
      napi_property_descriptor{"compared", nullptr, Compared, nullptr, nullptr, nullptr, napi_enumerable,
                               nullptr}};
  napi_define_properties(env, exports, functions.size(), functions.data());
  return exports;
}

}  // namespace

NAPI_MODULE(driver, Init)
