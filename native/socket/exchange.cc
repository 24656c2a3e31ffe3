// SPDX-License-Identifier: GPL-2.0-or-later
#include "socket/exchange.h"

#include <unistd.h>

#include <cerrno>
#include <utility>

#include "core/error.h"
#include "socket/arrival.h"
#include "socket/departure.h"
#include "socket/tcp.h"
#include "socket/token_server.h"

namespace sluice {
namespace {

constexpr int kBacklog = 16;

void Tell(ExchangeResult& result, const OriginalDestinationResult& original) {
  if (original.destination) {
    result.original = Endpoint{std::string(original.destination->Address()), original.destination->port};
  } else {
    result.failure = Failure{"getsockopt", original.error_number};
  }
}

ExchangeResult Listening(const ExchangeRequest& request, FileDescriptor listener) {
  TokenServer server(std::move(listener), request.token);
  ExchangeResult result = request.from ? Arrive(request, server) : Depart(request, server);
  if (result.outcome == ExchangeOutcome::kReturned) Tell(result, server.original());
  return result;
}

ExchangeResult Attempt(const ExchangeRequest& request) {
  const InetAddress address = ParseInetAddress(request.listen.address);
  FileDescriptor listener(-1);
  try {
    listener = ListenTcp(address, request.listen.port, request.ipv6_only, kBacklog);
  } catch (const Error& error) {
    ExchangeResult result;
    result.outcome = ExchangeOutcome::kNotListening;
    result.failure = Failure{error.syscall, error.error_number};
    return result;
  }
  return Listening(request, std::move(listener));
}

}  // namespace

ExchangeResult Exchange(const ExchangeRequest& request) {
  ExchangeResult result = Attempt(request);
  result.uid = geteuid();
  return result;
}

}  // namespace sluice
