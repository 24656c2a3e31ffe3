// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <vector>

#include "nft/connection.h"

namespace sluice::nft {

// Several requests in one send, each with what to do with its answer; an answer of ENOENT is no answer.
class Questions {
 public:
  explicit Questions(Connection& connection) : connection_(connection) {}

  using Ask = std::function<std::vector<char>(uint32_t sequence)>;
  void Add(const Ask& ask, Connection::OnMessage on_answer);

  // Throws Error: mode-unavailable on a kernel without nf_tables.
  void Run();

 private:
  void Answered(uint32_t sequence, const nlmsghdr* message);

  Connection& connection_;
  std::vector<char> requests_;
  std::map<uint32_t, Connection::OnMessage> answers_;
};

// Runs a dump of what may go, with its table, while it is read: false then, and when the ruleset changed
// meanwhile.
bool DumpExisting(Connection& connection, const std::vector<char>& request,
                  const Connection::OnMessage& on_message);

}  // namespace sluice::nft
