// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include "core/core.h"

namespace sluice::look {

// Ops that look at a namespace, or at the machine, and at no rules: "listeners", "route" and "namespaces" of
// docs/core.md. They change nothing, and need no back end.
extern const Operations kOperations;

}  // namespace sluice::look
