// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <string>

namespace sluice::https {

// The service "https": a request of src/host/https-standalone.ts in, {"status", "body"} or {"failure",
// "detail"} out. Throws Error for what is no such request.
std::string Answer(const std::string& request);

}  // namespace sluice::https
