// SPDX-License-Identifier: GPL-2.0-or-later
#include "quickjs/system.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <stdexcept>

#include "core/file_descriptor.h"

namespace sluice {
namespace {

std::runtime_error Failure(const std::string& attempt, int error_number) {
  return std::runtime_error(attempt + ": " + std::strerror(error_number));
}

// Whether a read or write that failed so is worth another try; waits for its time if the descriptor does not
// block.
bool WorthRetrying(int error_number, int descriptor, short events) {
  if (error_number == EAGAIN) {
    pollfd entry{descriptor, events, 0};
    poll(&entry, 1, -1);
  }
  return error_number == EAGAIN || error_number == EINTR;
}

std::string ReadDescriptor(int descriptor, const std::string& name) {
  std::string content;
  char buffer[16384];
  for (;;) {
    const ssize_t count = read(descriptor, buffer, sizeof buffer);
    if (count == 0) return content;
    if (count < 0) {
      const int error_number = errno;
      if (WorthRetrying(error_number, descriptor, POLLIN)) continue;
      throw Failure("cannot read " + name, error_number);
    }
    content.append(buffer, static_cast<size_t>(count));
    if (content.size() > kLongestFile) {
      throw std::runtime_error("cannot read " + name + ": longer than " + std::to_string(kLongestFile >> 20) +
                               " MiB");
    }
  }
}

// What a signal handler may touch.
std::atomic<int> caught_signal{0};
std::atomic<int> signal_descriptor{-1};
static_assert(std::atomic<int>::is_always_lock_free);

extern "C" void NoteSignal(int number) {
  const int saved = errno;
  int none = 0;
  caught_signal.compare_exchange_strong(none, number);
  const uint64_t one = 1;
  // It can only fail when the counter is full, and then the descriptor is readable already.
  [[maybe_unused]] const ssize_t written = write(signal_descriptor.load(), &one, sizeof(one));
  errno = saved;
}

}  // namespace

void CatchSignals() {
  if (signal_descriptor.load() >= 0) return;
  FileDescriptor descriptor(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!descriptor.valid()) throw Failure("cannot catch signals", errno);
  signal_descriptor.store(descriptor.Release());  // until the end of the process
  struct sigaction action = {};
  action.sa_handler = NoteSignal;
  for (const int number : {SIGINT, SIGTERM}) sigaction(number, &action, nullptr);
}

std::optional<int> CaughtSignal() {
  const int number = caught_signal.load();
  if (number == 0) return std::nullopt;
  return number;
}

int SignalDescriptor() { return signal_descriptor.load(); }

void PrepareDescriptors() {
  std::signal(SIGPIPE, SIG_IGN);
  std::signal(SIGXFSZ, SIG_IGN);
  pollfd entries[] = {{0, 0, 0}, {1, 0, 0}, {2, 0, 0}};
  poll(entries, 3, 0);
  for (const pollfd& entry : entries) {
    // open(2) gives the lowest number that is free: this one. Without /dev (an empty chroot) it stays closed.
    if (entry.revents & POLLNVAL) open("/dev/null", O_RDWR);
  }
}

std::optional<std::string> Environment(const std::string& name) {
  const char* value = secure_getenv(name.c_str());
  if (value == nullptr) return std::nullopt;
  return value;
}

std::string ReadFile(const std::string& path) {
  if (path == "-") return ReadDescriptor(STDIN_FILENO, "standard input");
  const FileDescriptor descriptor(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY));
  if (!descriptor.valid()) throw Failure("cannot read " + path, errno);
  return ReadDescriptor(descriptor.get(), path);
}

void WriteAll(int descriptor, std::string_view text) {
  while (!text.empty()) {
    const ssize_t count = write(descriptor, text.data(), text.size());
    if (count >= 0) {
      text.remove_prefix(static_cast<size_t>(count));
      continue;
    }
    const int error_number = errno;
    if (WorthRetrying(error_number, descriptor, POLLOUT)) continue;
    throw Failure(
        std::string("cannot write to standard ") + (descriptor == STDERR_FILENO ? "error" : "output"),
        error_number);
  }
}

}  // namespace sluice
