// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <string>

namespace sluice {

// Writes a setting of the calling thread's network namespace and gives its previous value. `name` is as
// sysctl(8) writes it, "net.netfilter.nf_conntrack_tcp_timeout_close_wait"; the caller has checked its
// characters. Throws Error with code kSysctl.
std::string WriteSysctl(const std::string& name, const std::string& value);

// The value of a setting, without its line end. Throws Error with code kSysctl.
std::string ReadSysctl(const std::string& name);

}  // namespace sluice
