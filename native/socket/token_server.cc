// SPDX-License-Identifier: GPL-2.0-or-later
#include "socket/token_server.h"

#include <sys/socket.h>

#include <cerrno>
#include <utility>

#include "core/error.h"

namespace sluice {
namespace {

// accept(2) also reports what has become of the connection that it would have given.
bool ConcernsOneConnection(int error_number) {
  switch (error_number) {
    case ECONNABORTED:
    case EINTR:
    case EPROTO:
    case ENETDOWN:
    case ENOPROTOOPT:
    case EHOSTDOWN:
    case EHOSTUNREACH:
    case EOPNOTSUPP:
    case ENETUNREACH:
      return true;
    default:
      return false;
  }
}

}  // namespace

void TokenServer::Serve(const ConnectionEnd& client) {
  for (;;) {
    sockaddr_storage peer{};
    socklen_t length = sizeof(peer);
    FileDescriptor connection(
        accept4(listener_.get(), reinterpret_cast<sockaddr*>(&peer), &length, SOCK_CLOEXEC | SOCK_NONBLOCK));
    if (!connection.valid()) {
      if (errno == EAGAIN) return;
      if (ConcernsOneConnection(errno)) continue;
      throw SystemCallError(errno, "accept", "cannot take a connection");
    }
    // A new connection has room for so little; one that has gone already need not have it.
    send(connection.get(), token_.data(), token_.size(), MSG_NOSIGNAL);
    if (!(ReadSocketAddress(peer) == client)) continue;
    const OriginalDestinationResult original = OriginalDestination(connection.get(), true);
    met_ = Met{std::move(connection), original};
  }
}

OriginalDestinationResult TokenServer::original() const {
  if (met_) return met_->original;
  OriginalDestinationResult unknown;
  unknown.error_number = ENOTCONN;
  return unknown;
}

}  // namespace sluice
