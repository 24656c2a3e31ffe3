// SPDX-License-Identifier: GPL-2.0-or-later
#include "socket/netlink.h"

#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "core/error.h"
#include "core/file_descriptor.h"

namespace sluice {
namespace {

// Declared here because sys/socket.h does not have it on older C libraries.
constexpr int kSolNetlink = 270;
constexpr int kLargestErrno = 4095;  // MAX_ERRNO of the kernel's include/linux/err.h
constexpr uint32_t kSequence = 1;    // every request has a socket of its own

template <typename Value>
Value ReadAt(const unsigned char* bytes) {
  Value value;
  std::memcpy(&value, bytes, sizeof(value));
  return value;
}

// The text that the kernel adds to some errors, or nothing. `reply` is a whole NLMSG_ERROR message.
std::string ExtendedText(const std::vector<unsigned char>& reply) {
  if ((ReadAt<nlmsghdr>(reply.data()).nlmsg_flags & NLM_F_ACK_TLVS) == 0) return "";
  const auto header = ReadAt<nlmsghdr>(reply.data());
  const auto error = ReadAt<nlmsgerr>(reply.data() + NLMSG_HDRLEN);
  // NETLINK_CAP_ACK is on; a kernel that does not know it repeats the whole request before the attributes.
  if (error.msg.nlmsg_len < NLMSG_HDRLEN) return "";
  const size_t repeated = (header.nlmsg_flags & NLM_F_CAPPED) ? 0 : error.msg.nlmsg_len - NLMSG_HDRLEN;
  const size_t begin = NLMSG_HDRLEN + sizeof(nlmsgerr) + NLMSG_ALIGN(repeated);
  if (begin > reply.size()) return "";  // also when what is repeated is said to be longer than all
  const auto text = NetlinkAttributes(reply.data() + begin, reply.size() - begin).Find(NLMSGERR_ATTR_MSG);
  if (!text) return "";
  const auto* characters = reinterpret_cast<const char*>(text->bytes());
  return std::string(characters, strnlen(characters, text->size()));
}

// One message: the answer, or an NLMSG_ERROR whose errno is 0 for an acknowledgement.
std::vector<unsigned char> Exchange(int protocol, const std::vector<unsigned char>& message,
                                    const std::string& what_was_tried) {
  const FileDescriptor netlink(socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, protocol));
  if (!netlink.valid()) throw SystemCallError(errno, "socket", what_was_tried);
  // Both are conveniences: a kernel without them still answers with the errno.
  const int on = 1;
  setsockopt(netlink.get(), kSolNetlink, NETLINK_CAP_ACK, &on, sizeof(on));
  setsockopt(netlink.get(), kSolNetlink, NETLINK_EXT_ACK, &on, sizeof(on));

  sockaddr_nl kernel{};
  kernel.nl_family = AF_NETLINK;
  const ssize_t sent = sendto(netlink.get(), message.data(), message.size(), 0,
                              reinterpret_cast<const sockaddr*>(&kernel), sizeof(kernel));
  if (sent < 0) throw SystemCallError(errno, "sendto", what_was_tried);

  std::vector<unsigned char> reply(8192);
  ssize_t received;
  do {
    received = recv(netlink.get(), reply.data(), reply.size(), MSG_TRUNC);
  } while (received < 0 && errno == EINTR);
  if (received < 0) throw SystemCallError(errno, "recv", what_was_tried);
  if (static_cast<size_t>(received) > reply.size()) throw SystemCallError(EMSGSIZE, "recv", what_was_tried);
  reply.resize(static_cast<size_t>(received));
  return CheckedNetlinkReply(std::move(reply), what_was_tried);
}

bool IsAcknowledgement(const std::vector<unsigned char>& reply) {
  return ReadAt<nlmsghdr>(reply.data()).nlmsg_type == NLMSG_ERROR;
}

}  // namespace

NetlinkRequest::NetlinkRequest(uint16_t type, uint16_t flags) {
  nlmsghdr header{};
  header.nlmsg_type = type;
  header.nlmsg_flags = static_cast<uint16_t>(flags | NLM_F_REQUEST);
  header.nlmsg_seq = kSequence;
  Append(header);
}

void NetlinkRequest::AppendBytes(const void* data, size_t size) {
  const size_t begin = bytes_.size();
  bytes_.resize(begin + NLMSG_ALIGN(size));
  if (size > 0) std::memcpy(bytes_.data() + begin, data, size);
}

// The length of an attribute has 16 bits.
uint16_t NetlinkRequest::CheckedLength(size_t size) {
  if (size > UINT16_MAX) throw Error(ErrorCode::kInvalidRequest, "too long for a message to the kernel");
  return static_cast<uint16_t>(size);
}

void NetlinkRequest::AddBytes(uint16_t type, const void* data, size_t size) {
  nlattr attribute{};
  attribute.nla_type = type;
  attribute.nla_len = CheckedLength(NLA_HDRLEN + size);
  Append(attribute);
  AppendBytes(data, size);
}

size_t NetlinkRequest::BeginNest(uint16_t type) {
  const size_t begin = bytes_.size();
  AddBytes(static_cast<uint16_t>(type | NLA_F_NESTED), nullptr, 0);
  return begin;
}

void NetlinkRequest::EndNest(size_t begin) {
  const uint16_t length = CheckedLength(bytes_.size() - begin);
  std::memcpy(bytes_.data() + begin + offsetof(nlattr, nla_len), &length, sizeof(length));
}

const std::vector<unsigned char>& NetlinkRequest::Finish(uint16_t flags) {
  auto header = ReadAt<nlmsghdr>(bytes_.data());
  header.nlmsg_len = static_cast<uint32_t>(bytes_.size());
  header.nlmsg_flags |= flags;
  std::memcpy(bytes_.data(), &header, sizeof(header));
  return bytes_;
}

std::optional<NetlinkAttributes> NetlinkAttributes::Find(uint16_t type) const {
  for (size_t offset = 0; offset + NLA_HDRLEN <= size_;) {
    const auto attribute = ReadAt<nlattr>(bytes_ + offset);
    if (attribute.nla_len < NLA_HDRLEN || attribute.nla_len > size_ - offset) break;
    if ((attribute.nla_type & NLA_TYPE_MASK) == type) {
      return NetlinkAttributes(bytes_ + offset + NLA_HDRLEN, attribute.nla_len - NLA_HDRLEN);
    }
    offset += NLA_ALIGN(attribute.nla_len);
  }
  return std::nullopt;
}

std::vector<unsigned char> CheckedNetlinkReply(std::vector<unsigned char> reply,
                                               const std::string& what_was_tried) {
  const auto malformed = [&] { return SystemCallError(EBADMSG, "recv", what_was_tried); };
  if (reply.size() < NLMSG_HDRLEN) throw malformed();
  const auto header = ReadAt<nlmsghdr>(reply.data());
  if (header.nlmsg_len < NLMSG_HDRLEN || header.nlmsg_len > reply.size() || header.nlmsg_seq != kSequence) {
    throw malformed();
  }
  reply.resize(header.nlmsg_len);
  if (header.nlmsg_type != NLMSG_ERROR) return reply;
  if (reply.size() < NLMSG_HDRLEN + sizeof(nlmsgerr)) throw malformed();
  const int negative = ReadAt<nlmsgerr>(reply.data() + NLMSG_HDRLEN).error;
  if (negative > 0 || negative < -kLargestErrno) throw malformed();
  if (negative == 0) return reply;
  const std::string text = ExtendedText(reply);
  throw SystemCallError(-negative, "sendto", text.empty() ? what_was_tried : what_was_tried + ": " + text);
}

void SendNetlink(int protocol, NetlinkRequest& request, const std::string& what_was_tried) {
  if (!IsAcknowledgement(Exchange(protocol, request.Finish(NLM_F_ACK), what_was_tried))) {
    throw SystemCallError(EBADMSG, "recv", what_was_tried);
  }
}

NetlinkReply AskNetlink(int protocol, NetlinkRequest& request, const std::string& what_was_tried) {
  std::vector<unsigned char> reply = Exchange(protocol, request.Finish(0), what_was_tried);
  if (IsAcknowledgement(reply)) throw SystemCallError(EBADMSG, "recv", what_was_tried);
  return NetlinkReply(std::move(reply));
}

}  // namespace sluice
