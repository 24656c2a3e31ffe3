// SPDX-License-Identifier: GPL-2.0-or-later
#include "socket/rtnetlink.h"

#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include "core/error.h"
#include "core/file_descriptor.h"

namespace sluice {
namespace {

// Declared here because sys/socket.h does not have it on older C libraries.
constexpr int kSolNetlink = 270;

template <typename Value>
Value ReadAt(const unsigned char* bytes) {
  Value value;
  std::memcpy(&value, bytes, sizeof(value));
  return value;
}

// The text that the kernel adds to some errors, or nothing. `reply` is a whole NLMSG_ERROR message.
std::string ExtendedText(const unsigned char* reply, const nlmsghdr& header) {
  if ((header.nlmsg_flags & NLM_F_ACK_TLVS) == 0) return "";
  const auto error = ReadAt<nlmsgerr>(reply + NLMSG_HDRLEN);
  // NETLINK_CAP_ACK is on; a kernel that does not know it repeats the whole request before the attributes.
  const size_t repeated = (header.nlmsg_flags & NLM_F_CAPPED) ? 0 : error.msg.nlmsg_len - NLMSG_HDRLEN;
  size_t offset = NLMSG_HDRLEN + sizeof(nlmsgerr) + NLMSG_ALIGN(repeated);
  while (offset + NLA_HDRLEN <= header.nlmsg_len) {
    const auto attribute = ReadAt<nlattr>(reply + offset);
    if (attribute.nla_len < NLA_HDRLEN || offset + attribute.nla_len > header.nlmsg_len) break;
    if ((attribute.nla_type & NLA_TYPE_MASK) == NLMSGERR_ATTR_MSG) {
      const auto* text = reinterpret_cast<const char*>(reply + offset + NLA_HDRLEN);
      return std::string(text, strnlen(text, attribute.nla_len - NLA_HDRLEN));
    }
    offset += NLA_ALIGN(attribute.nla_len);
  }
  return "";
}

}  // namespace

RtnetlinkRequest::RtnetlinkRequest(uint16_t type, uint16_t flags) {
  nlmsghdr header{};
  header.nlmsg_type = type;
  header.nlmsg_flags = static_cast<uint16_t>(flags | NLM_F_REQUEST | NLM_F_ACK);
  header.nlmsg_seq = 1;  // every request has a socket of its own
  Append(header);
}

void RtnetlinkRequest::AppendBytes(const void* data, size_t size) {
  const size_t begin = bytes_.size();
  bytes_.resize(begin + NLMSG_ALIGN(size));
  if (size > 0) std::memcpy(bytes_.data() + begin, data, size);
}

void RtnetlinkRequest::AddBytes(uint16_t type, const void* data, size_t size) {
  nlattr attribute{};
  attribute.nla_type = type;
  attribute.nla_len = static_cast<uint16_t>(NLA_HDRLEN + size);
  Append(attribute);
  AppendBytes(data, size);
}

size_t RtnetlinkRequest::BeginNest(uint16_t type) {
  const size_t begin = bytes_.size();
  AddBytes(static_cast<uint16_t>(type | NLA_F_NESTED), nullptr, 0);
  return begin;
}

void RtnetlinkRequest::EndNest(size_t begin) {
  const auto length = static_cast<uint16_t>(bytes_.size() - begin);
  std::memcpy(bytes_.data() + begin + offsetof(nlattr, nla_len), &length, sizeof(length));
}

const std::vector<unsigned char>& RtnetlinkRequest::Finish() {
  const auto length = static_cast<uint32_t>(bytes_.size());
  std::memcpy(bytes_.data() + offsetof(nlmsghdr, nlmsg_len), &length, sizeof(length));
  return bytes_;
}

void SendRtnetlink(RtnetlinkRequest& request, const std::string& what_was_tried) {
  const FileDescriptor netlink(socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE));
  if (!netlink.valid()) throw SystemCallError(errno, "socket", what_was_tried);
  // Both are conveniences: a kernel without them still answers with the errno.
  const int on = 1;
  setsockopt(netlink.get(), kSolNetlink, NETLINK_CAP_ACK, &on, sizeof(on));
  setsockopt(netlink.get(), kSolNetlink, NETLINK_EXT_ACK, &on, sizeof(on));

  const std::vector<unsigned char>& message = request.Finish();
  sockaddr_nl kernel{};
  kernel.nl_family = AF_NETLINK;
  const ssize_t sent = sendto(netlink.get(), message.data(), message.size(), 0,
                              reinterpret_cast<const sockaddr*>(&kernel), sizeof(kernel));
  if (sent < 0) throw SystemCallError(errno, "sendto", what_was_tried);

  std::array<unsigned char, 4096> reply;
  ssize_t received;
  do {
    received = recv(netlink.get(), reply.data(), reply.size(), 0);
  } while (received < 0 && errno == EINTR);
  if (received < 0) throw SystemCallError(errno, "recv", what_was_tried);
  const auto size = static_cast<size_t>(received);
  if (size < NLMSG_HDRLEN + sizeof(nlmsgerr)) throw SystemCallError(EBADMSG, "recv", what_was_tried);
  auto header = ReadAt<nlmsghdr>(reply.data());
  if (header.nlmsg_type != NLMSG_ERROR) throw SystemCallError(EBADMSG, "recv", what_was_tried);
  header.nlmsg_len = std::min(header.nlmsg_len, static_cast<uint32_t>(size));

  const int error = -ReadAt<nlmsgerr>(reply.data() + NLMSG_HDRLEN).error;
  if (error == 0) return;
  const std::string text = ExtendedText(reply.data(), header);
  throw SystemCallError(error, "sendto", text.empty() ? what_was_tried : what_was_tried + ": " + text);
}

}  // namespace sluice
