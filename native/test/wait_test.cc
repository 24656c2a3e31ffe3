// SPDX-License-Identifier: GPL-2.0-or-later
#include "socket/wait.h"

#include <doctest/doctest.h>
#include <sys/eventfd.h>

#include <cerrno>

#include "core/error.h"
#include "core/file_descriptor.h"

namespace sluice {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

FileDescriptor Event(unsigned int value) { return FileDescriptor(eventfd(value, EFD_CLOEXEC)); }

}  // namespace

TEST_CASE("waiting ends when something is ready") {
  const FileDescriptor idle = Event(0);
  const FileDescriptor ready = Event(1);
  const Patience patience = {Clock::now() + std::chrono::hours(24 * 30), idle.get()};
  CHECK(AwaitReady({{idle.get(), POLLIN, 0}, {ready.get(), POLLIN, 0}}, patience, "cannot wait"));
}

TEST_CASE("what is ready is seen also when the time is over") {
  const FileDescriptor ready = Event(1);
  CHECK(AwaitReady({{ready.get(), POLLIN, 0}}, {Clock::now() - milliseconds(1)}, "cannot wait"));
}

TEST_CASE("waiting ends at the deadline, and not before") {
  const FileDescriptor idle = Event(0);
  const Clock::time_point deadline = Clock::now() + milliseconds(20);
  CHECK_FALSE(AwaitReady({{idle.get(), POLLIN, 0}}, {deadline}, "cannot wait"));
  CHECK(Clock::now() >= deadline);
}

TEST_CASE("waiting ends when nobody waits any more, whatever is ready") {
  const FileDescriptor cancelled = Event(1);
  const FileDescriptor ready = Event(1);
  const Patience patience = {Clock::now() + std::chrono::hours(1), cancelled.get()};
  try {
    AwaitReady({{ready.get(), POLLIN, 0}}, patience, "cannot wait");
    FAIL("it did not throw");
  } catch (const Error& error) {
    CHECK(error.error_number == ECANCELED);
    CHECK(error.code == ErrorCode::kSystemCallFailed);
    CHECK(error.detail == "cannot wait");
  }
}

}  // namespace sluice
