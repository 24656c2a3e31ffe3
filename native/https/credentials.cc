// SPDX-License-Identifier: GPL-2.0-or-later
#include "https/credentials.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include <memory>
#include <string>
#include <string_view>

#include "https/failure.h"

namespace sluice::https {
namespace {

template <auto function>
struct FreeBy {
  template <typename T>
  void operator()(T* value) const {
    function(value);
  }
};
using Bio = std::unique_ptr<BIO, FreeBy<BIO_free_all>>;
using Certificate = std::unique_ptr<X509, FreeBy<X509_free>>;
using Key = std::unique_ptr<EVP_PKEY, FreeBy<EVP_PKEY_free>>;

// For an encrypted key: OpenSSL would ask on the terminal.
int NoPassphrase(char*, int, int, void*) { return -1; }

Bio Open(std::string_view pem) { return Bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size()))); }

// Of the errors that OpenSSL has noted, which it forgets.
[[noreturn]] void Refuse(const std::string& what) {
  const char* reason = ERR_reason_error_string(ERR_peek_last_error());
  const std::string why = reason == nullptr ? "not valid" : reason;
  ERR_clear_error();
  throw Failure("credentials", what + " cannot be read: " + why);
}

// All certificates of a text, of which only the first is given.
Certificate ReadCertificates(std::string_view pem, const std::string& what) {
  const Bio bio = Open(pem);
  Certificate first;
  while (true) {
    Certificate next(PEM_read_bio_X509_AUX(bio.get(), nullptr, NoPassphrase, nullptr));
    if (next == nullptr) break;
    if (first == nullptr) first = std::move(next);
  }
  // The end of the text is the one error that ends it well.
  if (first == nullptr || ERR_GET_REASON(ERR_peek_last_error()) != PEM_R_NO_START_LINE) Refuse(what);
  ERR_clear_error();
  return first;
}

}  // namespace

void CheckCredentials(const Request& request) {
  ERR_clear_error();
  if (!request.ca.empty()) ReadCertificates(request.ca, "the CA's certificate");
  if (request.certificate.empty()) return;
  const Certificate certificate = ReadCertificates(request.certificate, "the client's certificate");
  const Bio bio = Open(request.key);
  const Key key(PEM_read_bio_PrivateKey(bio.get(), nullptr, NoPassphrase, nullptr));
  if (key == nullptr) Refuse("the client's key");
  const bool match = X509_check_private_key(certificate.get(), key.get()) == 1;
  ERR_clear_error();
  if (!match) throw Failure("credentials", "the client's certificate and key do not belong together");
}

}  // namespace sluice::https
