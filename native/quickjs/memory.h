// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <quickjs/quickjs.h>

namespace sluice {

// Ends the process with exit code 1 and one line that says so. Needs no memory.
[[noreturn]] void EndForWantOfMemory(const char* program_name);

// From here on the line also says that what the core was asked for may have been done.
void NoteCoreAsked();

// QuickJS's memory. Where there is none, the process ends: QuickJS itself does not survive everywhere that an
// allocation fails, and cannot say then what went wrong. It allocates nothing while the core works, so no
// transaction is cut in two.
extern const JSMallocFunctions kMemory;

}  // namespace sluice
