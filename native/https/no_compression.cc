// SPDX-License-Identifier: GPL-2.0-or-later

// Debian's OpenSSL can compress certificates by zlib and zstd, which would come along. Nobody needs it of a
// server that has a certificate or two: defined here, as openssl/comp.h says of a build without them,
// OpenSSL's own functions are not linked, and TLS does not offer it.

#include <openssl/bio.h>
#include <openssl/comp.h>

extern "C" {
COMP_METHOD* COMP_zlib() { return nullptr; }
COMP_METHOD* COMP_zlib_oneshot() { return nullptr; }
COMP_METHOD* COMP_brotli() { return nullptr; }
COMP_METHOD* COMP_brotli_oneshot() { return nullptr; }
COMP_METHOD* COMP_zstd() { return nullptr; }
COMP_METHOD* COMP_zstd_oneshot() { return nullptr; }
const BIO_METHOD* BIO_f_zlib() { return nullptr; }
const BIO_METHOD* BIO_f_brotli() { return nullptr; }
const BIO_METHOD* BIO_f_zstd() { return nullptr; }
void ossl_comp_zlib_cleanup() {}
void ossl_comp_brotli_cleanup() {}
void ossl_comp_zstd_cleanup() {}
}
