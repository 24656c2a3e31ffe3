// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include "core/exchange.h"

namespace sluice {

// Listens, has a connection opened from inside or from outside, and tells what became of it; in the calling
// thread's network namespace. Everything it has made is gone when it returns. Throws Error for what says
// nothing of the connection: addresses that are none, no descriptors left, ECANCELED when nobody waits.
ExchangeResult Exchange(const ExchangeRequest& request);

}  // namespace sluice
