// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <linux/netlink.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

namespace sluice {

// One netlink request under construction, written on the kernel's headers alone: the addon that carries this
// must load on hosts that have none of the netfilter libraries, libmnl included.
class NetlinkRequest {
 public:
  // NLM_F_REQUEST is added.
  NetlinkRequest(uint16_t type, uint16_t flags);

  // The family's fixed header: ifinfomsg, ifaddrmsg, rtmsg, nfgenmsg.
  template <typename Header>
  void Append(const Header& header) {
    AppendBytes(&header, sizeof(header));
  }
  void AddBytes(uint16_t type, const void* data, size_t size);
  // In the byte order of the host, as rtnetlink has its numbers.
  template <typename Number>
  void AddNumber(uint16_t type, Number value) {
    static_assert(std::is_unsigned_v<Number>);
    AddBytes(type, &value, sizeof(value));
  }
  // With the terminating zero.
  void AddText(uint16_t type, const std::string& text) { AddBytes(type, text.c_str(), text.size() + 1); }

  // Everything added between the two calls becomes the content of the attribute. Begin gives what End needs.
  size_t BeginNest(uint16_t type);
  void EndNest(size_t begin);

  // The finished message, with these flags, too.
  const std::vector<unsigned char>& Finish(uint16_t flags);

 private:
  void AppendBytes(const void* data, size_t size);
  static uint16_t CheckedLength(size_t size);

  std::vector<unsigned char> bytes_;
};

// A run of attributes in a message that somebody else owns.
class NetlinkAttributes {
 public:
  NetlinkAttributes(const unsigned char* bytes, size_t size) : bytes_(bytes), size_(size) {}

  // The content of the first attribute of this type; none when it is absent.
  std::optional<NetlinkAttributes> Find(uint16_t type) const;

  // The content as a value; none when it is absent or of another size.
  template <typename Value>
  std::optional<Value> FindValue(uint16_t type) const {
    const std::optional<NetlinkAttributes> content = Find(type);
    if (!content || content->size_ != sizeof(Value)) return std::nullopt;
    Value value;
    std::memcpy(&value, content->bytes_, sizeof(value));
    return value;
  }

  const unsigned char* bytes() const { return bytes_; }
  size_t size() const { return size_; }

 private:
  const unsigned char* bytes_;
  size_t size_;
};

// The kernel's answer to a question: a whole message.
class NetlinkReply {
 public:
  explicit NetlinkReply(std::vector<unsigned char> message) : message_(std::move(message)) {}

  // What follows the family's fixed header.
  template <typename Header>
  NetlinkAttributes Attributes() const {
    const size_t begin = std::min(message_.size(), NLMSG_HDRLEN + NLMSG_ALIGN(sizeof(Header)));
    return NetlinkAttributes(message_.data() + begin, message_.size() - begin);
  }

 private:
  std::vector<unsigned char> message_;
};

// Both send the request in the calling thread's network namespace, to NETLINK_ROUTE or another protocol, and
// wait for the kernel. They throw Error, whose text is `what_was_tried` and what the kernel said beyond the
// errno (NETLINK_EXT_ACK), where it said something.

// For a request that changes something: the kernel acknowledges it.
void SendNetlink(int protocol, NetlinkRequest& request, const std::string& what_was_tried);

// One message of the kernel's, as it was received: the answer, or an acknowledgement. Throws Error for a
// refusal, and for what is no message.
std::vector<unsigned char> CheckedNetlinkReply(std::vector<unsigned char> reply,
                                               const std::string& what_was_tried);

// For a request that the kernel answers with one message.
NetlinkReply AskNetlink(int protocol, NetlinkRequest& request, const std::string& what_was_tried);

}  // namespace sluice
