// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <curl/curl.h>
#include <openssl/ssl.h>

#include <memory>
#include <string>

#include "https/request.h"

namespace sluice::https {

struct Response {
  int status = 0;
  std::string body;
};

// libcurl, with the connection that it keeps. Not to be moved: callbacks know where it is.
class Client {
 public:
  Client();
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  // Throws Failure when there is no response.
  Response Get(const Request& request);

 private:
  struct Cleanup {
    void operator()(CURL* handle) const { curl_easy_cleanup(handle); }
  };

  // Throws Failure for what libcurl ended with.
  [[noreturn]] void Explain(CURLcode code, const Request& request, bool too_long) const;

  static CURLcode PrepareHandshake(CURL* handle, void* context, void* client);
  static void NoteHandshake(const SSL* connection, int where, int result);

  std::unique_ptr<CURL, Cleanup> handle_;
  char message_[CURL_ERROR_SIZE] = {};
  // Whether the handshake failed by what the server said, and not because it went away.
  bool refused_by_tls_ = false;
};

}  // namespace sluice::https
