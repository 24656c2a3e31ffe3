// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <string>

namespace sluice {

// The service "daemon": Daemon of src/host/daemon.ts, one op for each of its functions.
std::string AnswerDaemon(const std::string& request);

}  // namespace sluice
