// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/page_server.h"

#include <netinet/in.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>
#include <stdexcept>
#include <string>
#include <utility>

namespace sluice::daemon {
namespace {

constexpr size_t kMostClients = 16;
// Whom the kernel accepts before this process does; more would have to try again after seconds.
constexpr int kBacklog = 128;
constexpr std::chrono::seconds kLongest{5};

FileDescriptor Bound(int family, const sockaddr* address, socklen_t length) {
  FileDescriptor listener(socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  const int yes = 1;
  const int no = 0;
  if (!listener.valid()) return listener;
  // Where an earlier one has been a moment ago.
  setsockopt(listener.get(), SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
  if (family == AF_INET6) setsockopt(listener.get(), IPPROTO_IPV6, IPV6_V6ONLY, &no, sizeof no);
  const bool done = bind(listener.get(), address, length) == 0 && listen(listener.get(), kBacklog) == 0;
  return done ? std::move(listener) : FileDescriptor(-1);
}

FileDescriptor Listen(uint16_t port) {
  sockaddr_in6 both = {};
  both.sin6_family = AF_INET6;
  both.sin6_port = htons(port);
  FileDescriptor listener = Bound(AF_INET6, reinterpret_cast<const sockaddr*>(&both), sizeof both);
  // A kernel without IPv6, or with it switched off.
  if (!listener.valid() && (errno == EAFNOSUPPORT || errno == EADDRNOTAVAIL)) {
    sockaddr_in only = {};
    only.sin_family = AF_INET;
    only.sin_port = htons(port);
    listener = Bound(AF_INET, reinterpret_cast<const sockaddr*>(&only), sizeof only);
  }
  if (listener.valid()) return listener;
  throw std::runtime_error("cannot listen on port " + std::to_string(port) + ": " + std::strerror(errno));
}

}  // namespace

PageServer::PageServer(uint16_t port) : listener_(Listen(port)) {}

void PageServer::AddTo(std::vector<pollfd>& waiting) const {
  waiting.push_back({listener_.get(), POLLIN, 0});
  for (const Client& client : clients_) waiting.push_back({client.descriptor(), client.events(), 0});
}

std::optional<Clock::time_point> PageServer::Deadline() const {
  // All have the same time, so the first is the first to go.
  if (clients_.empty()) return std::nullopt;
  return clients_.front().deadline();
}

void PageServer::Advance(const Pages& pages) {
  Accept();
  const Clock::time_point now = Clock::now();
  clients_.remove_if([&](Client& client) { return client.deadline() <= now || !client.Advance(pages); });
}

void PageServer::Accept() {
  // Not for ever, should they come faster than they are accepted.
  for (size_t i = 0; i < kMostClients; i++) {
    FileDescriptor socket(accept4(listener_.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
    if (!socket.valid()) {
      // Then somebody has to go for the next one.
      const bool full = errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM;
      if (full && !clients_.empty()) clients_.pop_front();
      return;
    }
    if (clients_.size() == kMostClients) clients_.pop_front();
    clients_.emplace_back(std::move(socket), Clock::now() + kLongest);
  }
}

}  // namespace sluice::daemon
