// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include "core/core.h"

namespace sluice::look {

// Ops that look at a namespace, at the machine or at the kernel, and at no rules (docs/core.md). They change
// nothing, and need no back end.
extern const Operations kOperations;

}  // namespace sluice::look
