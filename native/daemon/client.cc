// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/client.h"

#include <poll.h>
#include <sys/socket.h>

#include <cerrno>
#include <utility>

namespace sluice::daemon {
namespace {

// What a client may send behind its request.
constexpr size_t kMostDropped = 65536;

bool IsLater(int error_number) { return error_number == EAGAIN || error_number == EINTR; }

}  // namespace

Client::Client(FileDescriptor socket, Clock::time_point deadline)
    : socket_(std::move(socket)), deadline_(deadline) {}

short Client::events() const { return stage_ == Stage::kWriting ? POLLOUT : POLLIN; }

bool Client::Advance(const Pages& pages) {
  switch (stage_) {
    case Stage::kReading:
      return Read(pages);
    case Stage::kWriting:
      return Write();
    case Stage::kLeaving:
      return Leave();
  }
  return false;
}

bool Client::Read(const Pages& pages) {
  char buffer[kLongestHead];
  const ssize_t count = recv(socket_.get(), buffer, sizeof buffer, 0);
  if (count < 0) return IsLater(errno);
  if (count == 0) return false;
  received_.append(buffer, static_cast<size_t>(count));
  if (!IsComplete(received_)) return true;
  response_ = Respond(ParseHead(received_), pages);
  stage_ = Stage::kWriting;
  return Write();
}

bool Client::Write() {
  const ssize_t count = send(socket_.get(), response_.data(), response_.size(), MSG_NOSIGNAL);
  if (count < 0) return IsLater(errno);
  response_.erase(0, static_cast<size_t>(count));
  if (!response_.empty()) return true;
  stage_ = Stage::kLeaving;
  return shutdown(socket_.get(), SHUT_WR) == 0;
}

bool Client::Leave() {
  char buffer[kLongestHead];
  const ssize_t count = recv(socket_.get(), buffer, sizeof buffer, 0);
  if (count < 0) return IsLater(errno);
  dropped_ += static_cast<size_t>(count);
  return count > 0 && dropped_ <= kMostDropped;
}

}  // namespace sluice::daemon
