// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <string>

namespace sluice::files {

// The service "files": Files of src/host/files.ts, one op for each of its functions. The answer is
// {"ok": {...}}, or {"error": {"code": "ENOSPC", "message": "..."}} for what the kernel refuses.
std::string Answer(const std::string& request);

}  // namespace sluice::files
