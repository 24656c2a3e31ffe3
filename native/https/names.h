// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <openssl/ssl.h>

namespace sluice::https {

// Has certificates refused that name no server but by their common name, which libcurl would take for one.
// RFC 9525 (2) knows no such names any more, nor does what else asks the Kubernetes API, since Go 1.15.
void RequireAlternativeNames(SSL_CTX* tls);

}  // namespace sluice::https
