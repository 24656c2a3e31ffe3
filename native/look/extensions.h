// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstdint>
#include <string>

#include "core/ruleset.h"

namespace sluice::look {

// Who is asked for an extension of x_tables: nf_tables, whose module nft_compat brings them, or ip_tables.
enum class Door { kNfTables, kIpTables };

struct ExtensionQuestion {
  Door door;
  Family family;
  bool target;  // else a match
  std::string name;
  uint8_t revision;
};

// What the kernel answers when it is asked for an extension in this revision (the same question by which
// iptables chooses one); it loads the module if it has it. 0: it is there. ENOENT: it is not.
// EPROTONOSUPPORT: only in other revisions. EPERM: without CAP_NET_ADMIN (ip_tables: and CAP_NET_RAW) it does
// not say. EINVAL: nf_tables has no nft_compat. ENOPROTOOPT: there is no ip_tables.
int ExtensionErrno(const ExtensionQuestion& question);

// Whether there is connection tracking, as SO_ORIGINAL_DST needs it: 0, or ENOPROTOOPT; EAFNOSUPPORT for a
// family that this kernel does not have.
int TrackingErrno(Family family);

}  // namespace sluice::look
