// SPDX-License-Identifier: GPL-2.0-or-later
#include "quickjs/program.h"
#include "socket/exchange.h"

// For what only opens connections: none of the netfilter libraries.
namespace sluice {

extern const Backends kBackends = {nullptr, nullptr, nullptr, Exchange, {}, {}};

extern const Service kServices[] = {{nullptr, nullptr}};

}  // namespace sluice
