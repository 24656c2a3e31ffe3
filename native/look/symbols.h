// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <set>
#include <string>

namespace sluice::look {

// Those of these functions that the running kernel has, built in or in a module that is loaded
// (/proc/kallsyms: the names are for everybody). Empty when it cannot be read.
std::set<std::string> FindSymbols(const std::set<std::string>& names);

}  // namespace sluice::look
