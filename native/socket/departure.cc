// SPDX-License-Identifier: GPL-2.0-or-later
#include "socket/departure.h"

#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "core/error.h"
#include "socket/icmp_error.h"
#include "socket/tcp.h"
#include "socket/wait.h"

namespace sluice {
namespace {

using Clock = std::chrono::steady_clock;

TcpConnection Wanted(const ExchangeRequest& request) {
  TcpConnection wanted;
  wanted.address = ParseInetAddress(request.connect.address);
  wanted.port = request.connect.port;
  wanted.timeout = std::max(std::chrono::ceil<std::chrono::milliseconds>(request.deadline - Clock::now()),
                            std::chrono::milliseconds(0));
  wanted.cancel_descriptor = request.cancel_descriptor;
  wanted.hop_limit = request.hop_limit;
  wanted.heed_icmp_errors = true;
  return wanted;
}

ExchangeResult Failed(ExchangeOutcome outcome, const Error& error) {
  ExchangeResult result;
  result.outcome = outcome;
  result.failure = Failure{error.syscall, error.error_number};
  return result;
}

ExchangeResult NotEstablished(const FileDescriptor& client, const Error& error) {
  if (error.error_number == ETIMEDOUT) return {};
  ExchangeResult result = Failed(ExchangeOutcome::kRejected, error);
  const auto rejecter = TakeIcmpErrorSource(client.get());
  if (rejecter) result.rejecter = FormatInetAddress(*rejecter);
  return result;
}

// Adds what has come, up to a size; whether more may come.
bool Receive(const FileDescriptor& socket, std::string& received, size_t most) {
  std::array<char, 4096> buffer;
  const ssize_t count = recv(socket.get(), buffer.data(), std::min(buffer.size(), most - received.size()), 0);
  if (count < 0) return errno == EAGAIN || errno == EINTR;
  received.append(buffer.data(), static_cast<size_t>(count));
  return count > 0;
}

// Closing it then resets it: neither end of it stays in TIME_WAIT.
void ResetWhenClosed(const FileDescriptor& socket) {
  const linger at_once{1, 0};
  setsockopt(socket.get(), SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
}

ExchangeResult Converse(const ExchangeRequest& request, const FileDescriptor& client, TokenServer& server) {
  const ConnectionEnd self = LocalEnd(client);
  const Patience patience = {request.deadline, request.cancel_descriptor};
  Patience on_the_way = patience;
  on_the_way.deadline = std::min(request.deadline, Clock::now() + kLongestWayToListener);

  std::string received;
  bool open = true;
  while (open && received.size() < server.token().size()) {
    const bool ready = AwaitReady({{client.get(), POLLIN, 0}, {server.descriptor(), POLLIN, 0}},
                                  server.met() ? patience : on_the_way, "cannot wait for the token");
    if (!ready) break;
    server.Serve(self);
    open = Receive(client, received, server.token().size());
  }
  // Another program's connection ends as any does.
  if (server.met()) ResetWhenClosed(client);
  ExchangeResult result;
  result.outcome = received == server.token() ? ExchangeOutcome::kReturned : ExchangeOutcome::kTaken;
  result.received = received;
  return result;
}

}  // namespace

ExchangeResult Depart(const ExchangeRequest& request, TokenServer& server) {
  const TcpConnection wanted = Wanted(request);
  FileDescriptor client(-1);
  try {
    client = StartTcp(wanted);
  } catch (const Error& error) {
    return Failed(ExchangeOutcome::kNotSent, error);
  }
  try {
    AwaitTcp(client, wanted);
  } catch (const Error& error) {
    if (error.error_number == ECANCELED) throw;
    return NotEstablished(client, error);
  }
  return Converse(request, client, server);
}

}  // namespace sluice
