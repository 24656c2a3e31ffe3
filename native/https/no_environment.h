// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <unistd.h>

namespace sluice::https {

// As long as it lives, this process has no environment variables. libcurl, OpenSSL and c-ares ask for some
// 20: where to write TLS's secrets (SSLKEYLOGFILE), what to load (OPENSSL_CONF), how to resolve
// (HOSTALIASES). Nobody else reads the environment meanwhile: a service runs on the only thread.
class NoEnvironment {
 public:
  NoEnvironment() : kept_(environ) { environ = none_; }
  ~NoEnvironment() { environ = kept_; }
  NoEnvironment(const NoEnvironment&) = delete;
  NoEnvironment& operator=(const NoEnvironment&) = delete;

 private:
  char** kept_;
  char* none_[1] = {nullptr};
};

}  // namespace sluice::https
