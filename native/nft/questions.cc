// SPDX-License-Identifier: GPL-2.0-or-later
#include "nft/questions.h"

#include <cerrno>
#include <utility>

#include "core/error.h"

namespace sluice::nft {
namespace {

[[noreturn]] void Throw(int error_number) {
  Error error = SystemCallError(error_number, "recv", "cannot read the tables of nf_tables");
  // nfnetlink answers so when no nf_tables has registered with it (nfnetlink_rcv_msg).
  if (error_number == EINVAL || error_number == EOPNOTSUPP) {
    error.code = ErrorCode::kModeUnavailable;
    error.detail = "this kernel has no nf_tables";
  }
  throw error;
}

}  // namespace

void Questions::Add(const Ask& ask, Connection::OnMessage on_answer) {
  const uint32_t sequence = connection_.NextSequence();
  const std::vector<char> request = ask(sequence);
  requests_.insert(requests_.end(), request.begin(), request.end());
  answers_.emplace(sequence, std::move(on_answer));
}

void Questions::Run() {
  connection_.Send(requests_);
  const auto on_message = [&](const nlmsghdr* message) { Answered(message->nlmsg_seq, message); };
  const auto on_refusal = [&](const Refusal& refusal) {
    if (answers_.count(refusal.sequence) == 0) return;  // to a batch whose answer had been given up
    if (refusal.error_number != ENOENT) Throw(refusal.error_number);
    Answered(refusal.sequence, nullptr);
  };
  while (!answers_.empty()) {
    if (!connection_.Receive(on_message, on_refusal)) {
      throw SystemCallError(EIO, "recv", "nf_tables left a question without an answer");
    }
  }
}

void Questions::Answered(uint32_t sequence, const nlmsghdr* message) {
  const auto found = answers_.find(sequence);
  if (found == answers_.end()) return;
  if (message != nullptr) found->second(message);
  answers_.erase(found);
}

bool DumpExisting(Connection& connection, const std::vector<char>& request,
                  const Connection::OnMessage& on_message) {
  try {
    return connection.Dump(request, on_message);
  } catch (const Error& error) {
    if (error.error_number != ENOENT) throw;
    return false;
  }
}

}  // namespace sluice::nft
