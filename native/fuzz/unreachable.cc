// SPDX-License-Identifier: GPL-2.0-or-later

// The parts of the core that change something, in the place of native/core/namespace.cc and sysctl.cc: a
// request that a fuzzer makes up must not enter a namespace or write a setting.

#include "core/namespace.h"
#include "core/sysctl.h"

namespace sluice {

void RunOnThread(const std::function<void()>& work) { work(); }
void RunInNamespace(const std::string&, const std::function<void()>& work) { work(); }
void RunInNewNamespace(const std::function<void()>& work) { work(); }
bool IsOwnNamespace(const std::string&) { return true; }
bool IsForeignNamespace() { return false; }

std::string WriteSysctl(const std::string&, const std::string& value) { return value; }
std::string ReadSysctl(const std::string& name) { return name; }

}  // namespace sluice
