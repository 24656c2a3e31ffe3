// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <napi.h>

#include "core/core.h"

namespace sluice::node {

// Gives `exports` the function call(request: string): Promise<string>: the core's door (docs/core.md), opened
// on a thread of its own, so that neither the event loop nor libuv's pool waits for the kernel. Makes the
// environment's TaskRunner. An addon returns what this returns.
Napi::Object ExportDoor(Napi::Env env, Napi::Object exports, const Backends& backends);

}  // namespace sluice::node
