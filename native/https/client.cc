// SPDX-License-Identifier: GPL-2.0-or-later
#include "https/client.h"

#include <openssl/err.h>

#include <cstring>
#include <new>
#include <stdexcept>
#include <utility>

#include "https/credentials.h"
#include "https/failure.h"
#include "https/names.h"
#include "https/no_environment.h"

namespace sluice::https {
namespace {

// A body as it comes, up to the longest that is wanted.
struct Receiver {
  std::string body;
  size_t most_bytes;
  bool too_long = false;
};

size_t Receive(char* data, size_t, size_t length, void* context) {
  auto& receiver = *static_cast<Receiver*>(context);
  receiver.too_long = length > receiver.most_bytes - receiver.body.size();
  if (receiver.too_long) return CURL_WRITEFUNC_ERROR;
  try {
    receiver.body.append(data, length);
  } catch (const std::bad_alloc&) {  // no exception may pass through libcurl
    return CURL_WRITEFUNC_ERROR;
  }
  return length;
}

class StringList {
 public:
  StringList() = default;
  ~StringList() { curl_slist_free_all(list_); }
  StringList(const StringList&) = delete;
  StringList& operator=(const StringList&) = delete;

  void Append(const std::string& line) {
    curl_slist* const longer = curl_slist_append(list_, line.c_str());
    if (longer == nullptr) throw std::bad_alloc();
    list_ = longer;
  }
  curl_slist* get() const { return list_; }

 private:
  curl_slist* list_ = nullptr;
};

std::string Bracketed(const std::string& host) {
  return host.find(':') == std::string::npos ? host : "[" + host + "]";
}

template <typename T>
void Set(CURL* handle, CURLoption option, T value) {
  const CURLcode code = curl_easy_setopt(handle, option, value);
  if (code != CURLE_OK) throw std::runtime_error("libcurl has no option " + std::to_string(option));
}

// The text has to stay until the transfer has ended.
void SetPem(CURL* handle, CURLoption option, const std::string& pem) {
  if (pem.empty()) return;
  curl_blob blob = {const_cast<char*>(pem.data()), pem.size(), CURL_BLOB_NOCOPY};
  Set(handle, option, &blob);
}

void SetTrust(CURL* handle, const Request& request) {
  Set(handle, CURLOPT_SSLVERSION, long{CURL_SSLVERSION_TLSv1_2});
  Set(handle, CURLOPT_SSL_VERIFYPEER, request.insecure ? 0L : 1L);
  Set(handle, CURLOPT_SSL_VERIFYHOST, request.insecure ? 0L : 2L);
  // A session would be resumed without a look at the certificate.
  Set(handle, CURLOPT_SSL_SESSIONID_CACHE, 0L);
  // Without a CA nobody is trusted: this libcurl knows no file of certificates.
  SetPem(handle, CURLOPT_CAINFO_BLOB, request.ca);
  SetPem(handle, CURLOPT_SSLCERT_BLOB, request.certificate);
  SetPem(handle, CURLOPT_SSLKEY_BLOB, request.key);
}

// Where a TLS context has the client that it is for.
int ContextIndex() {
  static const int index = SSL_CTX_get_ex_new_index(0, nullptr, nullptr, nullptr, nullptr);
  return index;
}

}  // namespace

Client::Client() {
  const NoEnvironment none;
  // Before libcurl does, and with it the system's openssl.cnf.
  OPENSSL_init_ssl(OPENSSL_INIT_NO_LOAD_CONFIG, nullptr);
  if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) throw std::runtime_error("libcurl does not start");
  handle_.reset(curl_easy_init());
  if (handle_ == nullptr) throw std::bad_alloc();
}

Response Client::Get(const Request& request) {
  const NoEnvironment none;
  CheckCredentials(request);
  CURL* const handle = handle_.get();
  curl_easy_reset(handle);  // connections stay
  message_[0] = '\0';
  refused_by_tls_ = false;

  const std::string name = request.server_name.empty() ? request.host : request.server_name;
  const std::string port = std::to_string(request.port);
  const std::string server = Bracketed(request.host) + ":" + port;
  // The URL's host is who the server has to be; the connection goes to the server all the same.
  Set(handle, CURLOPT_URL, ("https://" + Bracketed(name) + ":" + port + request.path).c_str());
  StringList elsewhere;
  // Whatever the URL's host is: libcurl writes addresses another way than they were given.
  elsewhere.Append("::" + server);
  if (name != request.host) Set(handle, CURLOPT_CONNECT_TO, elsewhere.get());
  StringList headers;
  headers.Append("Host: " + (request.port == 443 ? Bracketed(request.host) : server));
  for (const auto& [key, value] : request.headers) {
    // "Name:" would take it out of what libcurl sends by itself.
    headers.Append(value.empty() ? key + ";" : key + ": " + value);
  }
  Set(handle, CURLOPT_HTTPHEADER, headers.get());

  Receiver receiver{{}, request.most_bytes};
  Set(handle, CURLOPT_WRITEFUNCTION, Receive);
  Set(handle, CURLOPT_WRITEDATA, &receiver);
  Set(handle, CURLOPT_ERRORBUFFER, message_);
  Set(handle, CURLOPT_NOSIGNAL, 1L);
  Set(handle, CURLOPT_PATH_AS_IS, 1L);
  Set(handle, CURLOPT_HTTP_VERSION, long{CURL_HTTP_VERSION_1_1});
  Set(handle, CURLOPT_MAXCONNECTS, 1L);
  const long timeout = static_cast<long>(request.timeout.count());
  Set(handle, CURLOPT_TIMEOUT_MS, timeout);
  Set(handle, CURLOPT_CONNECTTIMEOUT_MS, timeout);  // by itself, five minutes
  SetTrust(handle, request);
  Set(handle, CURLOPT_SSL_CTX_FUNCTION, PrepareHandshake);
  Set(handle, CURLOPT_SSL_CTX_DATA, this);

  const CURLcode code = curl_easy_perform(handle);
  if (code != CURLE_OK) Explain(code, request, receiver.too_long);
  long status = 0;
  curl_easy_getinfo(handle, CURLINFO_RESPONSE_CODE, &status);
  return {static_cast<int>(status), std::move(receiver.body)};
}

// libcurl tells a server that speaks no TLS from one that goes away by its message alone.
CURLcode Client::PrepareHandshake(CURL*, void* context, void* client) {
  auto* const tls = static_cast<SSL_CTX*>(context);
  SSL_CTX_set_ex_data(tls, ContextIndex(), client);
  SSL_CTX_set_info_callback(tls, NoteHandshake);
  if (SSL_CTX_get_verify_mode(tls) != SSL_VERIFY_NONE) RequireAlternativeNames(tls);
  return CURLE_OK;
}

void Client::NoteHandshake(const SSL* connection, int where, int result) {
  if (where != SSL_CB_CONNECT_EXIT || result > 0) return;
  const unsigned long error = ERR_peek_error();  // 0: it waits, or a system call has failed
  if (ERR_GET_LIB(error) != ERR_LIB_SSL || ERR_GET_REASON(error) == SSL_R_UNEXPECTED_EOF_WHILE_READING)
    return;
  void* const client = SSL_CTX_get_ex_data(SSL_get_SSL_CTX(connection), ContextIndex());
  static_cast<Client*>(client)->refused_by_tls_ = true;
}

void Client::Explain(CURLcode code, const Request& request, bool too_long) const {
  if (too_long) {
    throw Failure("too-long",
                  "the response's body is longer than " + std::to_string(request.most_bytes) + " bytes");
  }
  const std::string message = message_;
  switch (code) {
    case CURLE_OPERATION_TIMEDOUT:
      throw Failure("timed-out",
                    "no whole response within " + std::to_string(request.timeout.count()) + " ms");
    case CURLE_PEER_FAILED_VERIFICATION:
      throw Failure("untrusted", "the server's certificate is not trusted: " + message);
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_SSL_CACERT_BADFILE:
      throw Failure("credentials", "the credentials are not valid: " + message);
    case CURLE_COULDNT_CONNECT: {
      long error = 0;
      curl_easy_getinfo(handle_.get(), CURLINFO_OS_ERRNO, &error);
      throw Failure("unreachable",
                    "no connection: " + (error == 0 ? message : strerror(static_cast<int>(error))));
    }
    case CURLE_SSL_CONNECT_ERROR:
      if (refused_by_tls_) throw Failure("malformed", "TLS failed: " + message);
      throw Failure("unreachable", "the connection ended before TLS was up: " + message);
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_URL_MALFORMAT:  // of the host, which can be neither a name nor an address
      throw Failure("unreachable", "no connection: " + message);
    case CURLE_SEND_ERROR:
    case CURLE_RECV_ERROR:
    case CURLE_GOT_NOTHING:
    case CURLE_PARTIAL_FILE:
      throw Failure("unreachable", "the connection ended before the whole response had come: " + message);
    case CURLE_UNSUPPORTED_PROTOCOL:
    case CURLE_WEIRD_SERVER_REPLY:
    case CURLE_BAD_CONTENT_ENCODING:
    case CURLE_TOO_LARGE:
      throw Failure("malformed", "the answer is no HTTP: " + message);
    case CURLE_SSL_CLIENTCERT:
    case CURLE_SSL_CIPHER:
      throw Failure("malformed", "TLS failed: " + message);
    case CURLE_OUT_OF_MEMORY:
      throw std::bad_alloc();
    default:
      throw std::runtime_error("libcurl ended with " + std::to_string(code) + ": " + message);
  }
}

}  // namespace sluice::https
