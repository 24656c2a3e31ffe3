// SPDX-License-Identifier: GPL-2.0-or-later
#include "nft/connection.h"

#include <linux/netlink.h>
#include <sys/socket.h>

#include <cerrno>

#include "core/error.h"
#include "nft/attribute.h"

namespace sluice::nft {
namespace {

// The kernel fills dumps up to the size of the buffer it is offered, at most 32 KiB (netlink_recvmsg).
constexpr size_t kReceiveBuffer = 32 * 1024;
// Below net.core.wmem_default of every kernel; longer batches need a larger send buffer.
constexpr size_t kSmallBatch = 64 * 1024;

mnl_socket* Open() {
  mnl_socket* socket = mnl_socket_open2(NETLINK_NETFILTER, SOCK_CLOEXEC);
  if (socket != nullptr) return socket;
  const int error_number = errno;
  Error error = SystemCallError(error_number, "socket", "cannot open a netlink socket to netfilter");
  if (error_number == EPROTONOSUPPORT || error_number == EAFNOSUPPORT) {
    error.code = ErrorCode::kModeUnavailable;
  }
  throw error;
}

// As the kernel writes one: its negative, at most MAX_ERRNO (include/linux/err.h); 0 acknowledges.
bool IsErrno(int error) { return error <= 0 && error >= -4095; }

uint32_t AttributeOffset(const nlmsghdr* header, const nlmsgerr* answer) {
  if ((header->nlmsg_flags & NLM_F_ACK_TLVS) == 0) return 0;
  // With NETLINK_CAP_ACK only the header of the refused message is sent back, and the attributes follow it.
  size_t offset = sizeof(*answer);
  if ((header->nlmsg_flags & NLM_F_CAPPED) == 0) offset += answer->msg.nlmsg_len - sizeof(nlmsghdr);
  const size_t length = mnl_nlmsg_get_payload_len(header);
  uint32_t found = 0;
  if (offset >= length) return found;
  ForEachAttribute(static_cast<const char*>(mnl_nlmsg_get_payload(header)) + offset, length - offset,
                   [&](const nlattr* attribute) {
                     if (mnl_attr_get_type(attribute) == NLMSGERR_ATTR_OFFS &&
                         mnl_attr_get_payload_len(attribute) == sizeof(uint32_t)) {
                       found = mnl_attr_get_u32(attribute);
                     }
                   });
  return found;
}

}  // namespace

Connection::Connection() : socket_(Open()), buffer_(kReceiveBuffer) {
  // Both only make answers shorter and clearer; kernels before 4.12 lack them.
  int on = 1;
  mnl_socket_setsockopt(socket_.get(), NETLINK_EXT_ACK, &on, sizeof(on));
  mnl_socket_setsockopt(socket_.get(), NETLINK_CAP_ACK, &on, sizeof(on));
}

void Connection::Send(const std::vector<char>& messages) {
  if (messages.size() > kSmallBatch && messages.size() > send_buffer_) {
    const int size = static_cast<int>(messages.size());
    const int descriptor = mnl_socket_get_fd(socket_.get());
    // The forced form passes net.core.wmem_max; in a user namespace it is EPERM, and the limit stands.
    if (setsockopt(descriptor, SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof(size)) != 0) {
      setsockopt(descriptor, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
    }
    send_buffer_ = messages.size();
  }
  ssize_t sent = 0;
  do {
    sent = mnl_socket_sendto(socket_.get(), messages.data(), messages.size());
  } while (sent < 0 && errno == EINTR);
  if (sent != static_cast<ssize_t>(messages.size())) {
    throw SystemCallError(sent < 0 ? errno : EMSGSIZE, "sendto",
                          "cannot send " + std::to_string(messages.size()) + " bytes to nf_tables");
  }
}

bool Connection::Receive(const OnMessage& on_message, const OnRefusal& on_refusal) {
  for (int lost = 0;;) {
    const ssize_t received =
        recv(mnl_socket_get_fd(socket_.get()), buffer_.data(), buffer_.size(), MSG_DONTWAIT);
    if (received < 0 && errno == EINTR) continue;
    // Said once when answers were lost for want of room, as of thousands of refusals; the first are here.
    if (received < 0 && errno == ENOBUFS && ++lost == 1) continue;
    if (received < 0 && errno == EAGAIN) return false;
    if (received <= 0) {
      throw SystemCallError(received < 0 ? errno : EIO, "recv", "cannot read the answer of nf_tables");
    }
    int left = static_cast<int>(received);
    for (auto* header = reinterpret_cast<nlmsghdr*>(buffer_.data()); IsWhole(header, left);
         header = mnl_nlmsg_next(header, &left)) {
      if (header->nlmsg_type != NLMSG_ERROR) {
        on_message(header);
        continue;
      }
      if (mnl_nlmsg_get_payload_len(header) < sizeof(nlmsgerr)) continue;  // answers nothing
      const auto* answer = static_cast<const nlmsgerr*>(mnl_nlmsg_get_payload(header));
      const int error_number = IsErrno(answer->error) ? -answer->error : EBADMSG;
      on_refusal({error_number, answer->msg.nlmsg_seq, AttributeOffset(header, answer)});
    }
    return true;
  }
}

bool Connection::Dump(const std::vector<char>& request, const OnMessage& on_message) {
  Send(request);
  bool done = false;
  bool interrupted = false;
  const auto on_part = [&](const nlmsghdr* header) {
    interrupted = interrupted || (header->nlmsg_flags & NLM_F_DUMP_INTR) != 0;
    if (header->nlmsg_type == NLMSG_DONE) {
      done = true;
    } else {
      on_message(header);
    }
  };
  const auto on_refusal = [](const Refusal& refusal) {
    throw SystemCallError(refusal.error_number, "recv", "cannot read the rules of nf_tables");
  };
  while (!done) {
    if (!Receive(on_part, on_refusal)) {
      throw SystemCallError(EIO, "recv", "nf_tables ended a list of rules early");
    }
  }
  return !interrupted;
}

}  // namespace sluice::nft
