// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <chrono>
#include <string>

#include "core/file_descriptor.h"
#include "daemon/page.h"

namespace sluice::daemon {

using Clock = std::chrono::steady_clock;

// One connection, for one request: read it, answer it, and wait until the other side has gone, too. (Closed
// at once, the connection would be reset by what is still coming, and the answer lost.)
class Client {
 public:
  Client(FileDescriptor socket, Clock::time_point deadline);

  int descriptor() const { return socket_.get(); }
  Clock::time_point deadline() const { return deadline_; }
  // What it waits for: POLLIN or POLLOUT.
  short events() const;

  // Goes on as far as that is possible now. False: it is done with.
  bool Advance(const Pages& pages);

 private:
  enum class Stage { kReading, kWriting, kLeaving };

  bool Read(const Pages& pages);
  bool Write();
  bool Leave();

  FileDescriptor socket_;
  Clock::time_point deadline_;
  Stage stage_ = Stage::kReading;
  std::string received_;
  std::string response_;
  size_t dropped_ = 0;
};

}  // namespace sluice::daemon
