// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include "core/exchange.h"
#include "socket/token_server.h"

namespace sluice {

// Opens the connection of an exchange from inside, and waits for what the server says. Throws Error as
// Exchange does.
ExchangeResult Depart(const ExchangeRequest& request, TokenServer& server);

}  // namespace sluice
