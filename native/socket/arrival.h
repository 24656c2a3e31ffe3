// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include "core/exchange.h"
#include "socket/token_server.h"

namespace sluice {

// Has the connection of an exchange come in from outside: through a TUN device, whose other side this plays,
// segment by segment. Throws Error as Exchange does.
ExchangeResult Arrive(const ExchangeRequest& request, TokenServer& server);

}  // namespace sluice
