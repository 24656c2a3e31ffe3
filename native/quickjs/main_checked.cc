// SPDX-License-Identifier: GPL-2.0-or-later

// main.cc of the executables that are built with AddressSanitizer. Before it ends, it asks LeakSanitizer,
// which would otherwise do its work in an exit handler: _exit runs none.

#include <quickjs/quickjs.h>
#include <sanitizer/lsan_interface.h>
#include <unistd.h>

#include <fstream>
#include <string>

#include "quickjs/host.h"
#include "quickjs/system.h"

// Run tears nothing of the interpreter down. Whoever looks for leaks has to see that all of it is still
// reachable, so that what is not is C++'s.
extern "C" {
JSRuntime* volatile kept_runtime;
JSRuntime* __real_JS_NewRuntime2(const JSMallocFunctions* memory, void* opaque);
JSRuntime* __wrap_JS_NewRuntime2(const JSMallocFunctions* memory, void* opaque) {
  JSRuntime* made = __real_JS_NewRuntime2(memory, opaque);
  kept_runtime = made;
  return made;
}
}

namespace {

// LeakSanitizer reads the threads by ptrace(2), which works only where nobody else does, like strace.
bool IsTraced() {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (line.rfind("TracerPid:", 0) == 0) return line != "TracerPid:\t0";
  }
  return true;
}

}  // namespace

int main(int argc, char** argv) {
  sluice::PrepareDescriptors();
  const int code = sluice::Run(sluice::kProgram, argc, argv);
  if (!IsTraced()) __lsan_do_leak_check();
  _exit(code);
}
