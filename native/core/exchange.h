// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

// What the op "exchange" of docs/core.md asks and answers: whether a connection comes to a listener of our
// own, and what becomes of it if not. Addresses are text here: only native/socket knows their bytes.
namespace sluice {

struct Endpoint {
  std::string address;
  uint16_t port = 0;
};

struct ExchangeRequest {
  Endpoint listen;
  bool ipv6_only = false;  // whether a listener on :: takes no IPv4 connections
  Endpoint connect;
  // Who opens it from outside, through a device that exists meanwhile and holds the address of `connect`;
  // none: this process does.
  std::optional<Endpoint> from;
  int hop_limit = 0;  // how far a connection from inside may go; 0: as far as the system has it
  std::string token;  // what the listener says to everybody who comes
  std::chrono::steady_clock::time_point deadline;
  int cancel_descriptor = -1;  // becomes readable when nobody waits any more
};

enum class ExchangeOutcome : uint8_t {
  kReturned,      // it came to our listener, and the token back
  kTaken,         // it stands, or stood, but our listener has not seen it
  kRejected,      // somebody answered with an error
  kTimedOut,      // nobody answered
  kNotSent,       // the kernel refused it before a packet met any rule
  kNotListening,  // our listener could not be made
  kNoDevice,      // the device could not be made
};

// A system call that failed.
struct Failure {
  std::string syscall;
  int error_number = 0;
};

struct ExchangeResult {
  ExchangeOutcome outcome = ExchangeOutcome::kTimedOut;
  uid_t uid = 0;                        // whose the connection from inside is
  std::optional<Endpoint> original;     // where it wanted to go, as the kernel tells our listener
  std::optional<Failure> failure;       // of the outcomes with an errno; also why `original` is not known
  std::optional<std::string> rejecter;  // the address that an ICMP error came from
  std::string received;                 // what came back instead of the token, at most as long as that
};

}  // namespace sluice
