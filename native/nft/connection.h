// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <libmnl/libmnl.h>

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "nft/handles.h"

namespace sluice::nft {

// What the kernel said of one message (struct nlmsgerr and its attributes, linux/netlink.h).
struct Refusal {
  int error_number;
  uint32_t sequence;
  uint32_t attribute_offset;  // of the attribute it stumbled over, from the start of the message; 0: not said
};

// A netlink socket to nf_tables in the network namespace of the thread that makes it. The kernel works while
// sendmsg(2) runs, so an answer is there when it returns: nothing here waits, but the destructor, which any
// thread may call, may (Reply in core/core.h).
class Connection {
 public:
  // Throws Error: permission-denied, or mode-unavailable on a kernel without nf_tables.
  Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  void Send(const std::vector<char>& messages);

  using OnMessage = std::function<void(const nlmsghdr*)>;
  using OnRefusal = std::function<void(const Refusal&)>;
  // Reads one datagram. False when none is there.
  bool Receive(const OnMessage& on_message, const OnRefusal& on_refusal);

  // Runs a dump to its end; false when the kernel says that the ruleset changed meanwhile (NLM_F_DUMP_INTR).
  bool Dump(const std::vector<char>& request, const OnMessage& on_message);

  uint32_t NextSequence() { return ++sequence_; }

 private:
  std::unique_ptr<mnl_socket, Deleter<mnl_socket_close>> socket_;
  std::vector<char> buffer_;
  uint32_t sequence_ = 0;
  size_t send_buffer_ = 0;
};

}  // namespace sluice::nft
