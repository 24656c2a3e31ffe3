// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <utility>

#include "core/file_descriptor.h"
#include "socket/inet_address.h"
#include "socket/original_destination.h"

namespace sluice {

// A connection that stands and that the listener has not seen by then has come to another. In one kernel both
// ends know of one another at once; this is for a machine that is busy.
constexpr std::chrono::seconds kLongestWayToListener{1};

// A listener that sends a token to everybody who connects. In a pod that lives, that can be anybody.
class TokenServer {
 public:
  TokenServer(FileDescriptor listener, std::string token)
      : listener_(std::move(listener)), token_(std::move(token)) {}

  // Readable when somebody waits to be served.
  int descriptor() const { return listener_.get(); }
  const std::string& token() const { return token_; }

  // Serves those who wait, without waiting for more. Of the connection from `client` it keeps what the kernel
  // says of it, and keeps it open; others are closed. Throws Error when the listener fails.
  void Serve(const ConnectionEnd& client);

  // Whether the client's connection has come.
  bool met() const { return met_.has_value(); }
  // Where that wanted to go; an errno while it has not come.
  OriginalDestinationResult original() const;

 private:
  struct Met {
    FileDescriptor connection;
    OriginalDestinationResult original;
  };

  FileDescriptor listener_;
  std::string token_;
  std::optional<Met> met_;
};

}  // namespace sluice
