// SPDX-License-Identifier: GPL-2.0-or-later
#include "https/names.h"

#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <memory>

namespace sluice::https {
namespace {

struct FreeNames {
  void operator()(GENERAL_NAMES* names) const { GENERAL_NAMES_free(names); }
};

bool NamesServers(const X509* certificate) {
  const std::unique_ptr<GENERAL_NAMES, FreeNames> names(
      static_cast<GENERAL_NAMES*>(X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr)));
  if (names == nullptr) return false;
  for (int i = 0; i < sk_GENERAL_NAME_num(names.get()); i++) {
    const int type = sk_GENERAL_NAME_value(names.get(), i)->type;
    if (type == GEN_DNS || type == GEN_IPADD) return true;
  }
  return false;
}

int Verify(X509_STORE_CTX* chain, void*) {
  if (X509_verify_cert(chain) != 1) return 0;
  if (NamesServers(X509_STORE_CTX_get0_cert(chain))) return 1;
  X509_STORE_CTX_set_error(chain, X509_V_ERR_HOSTNAME_MISMATCH);
  return 0;
}

}  // namespace

void RequireAlternativeNames(SSL_CTX* tls) { SSL_CTX_set_cert_verify_callback(tls, Verify, nullptr); }

}  // namespace sluice::https
