// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include "https/request.h"

namespace sluice::https {

// Throws Failure if one of the CA's certificates, the client's or its key is not valid PEM, or if the latter
// two do not belong together. libcurl would find out when it has connected, and not say which of them it is.
void CheckCredentials(const Request& request);

}  // namespace sluice::https
