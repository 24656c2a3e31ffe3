// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include "core/file_descriptor.h"

namespace sluice {

// Makes a new network namespace with its loopback up, and gives the descriptor that keeps it alive. The
// calling thread stays where it is. Throws Error.
FileDescriptor CreateNetworkNamespace();

}  // namespace sluice
