// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <libmnl/libmnl.h>
#include <linux/netfilter/nfnetlink.h>

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <new>
#include <string_view>

namespace sluice::nft {

// Calls `each(attribute)` for the netlink attributes in these bytes. libmnl's macros do not compile as C++.
template <typename Each>
void ForEachAttribute(const void* start, size_t length, Each each) {
  const auto* end = static_cast<const char*>(start) + length;
  for (const auto* attribute = static_cast<const nlattr*>(start);
       mnl_attr_ok(attribute, static_cast<int>(end - reinterpret_cast<const char*>(attribute)));
       attribute = mnl_attr_next(attribute)) {
    each(attribute);
  }
}

template <typename Each>
void ForEachNested(const nlattr* nest, Each each) {
  ForEachAttribute(mnl_attr_get_payload(nest), mnl_attr_get_payload_len(nest), each);
}

// The same for a message of nfnetlink; one without its header has none.
template <typename Each>
void ForEachAttributeOf(const nlmsghdr* message, Each each) {
  const size_t length = mnl_nlmsg_get_payload_len(message);
  if (message->nlmsg_len < sizeof(nlmsghdr) || length < sizeof(nfgenmsg)) return;
  ForEachAttribute(static_cast<const char*>(mnl_nlmsg_get_payload(message)) + sizeof(nfgenmsg),
                   length - sizeof(nfgenmsg), each);
}

// Whether the message ends within these bytes. libmnl alone takes a length with its highest bit set for one
// below 0.
inline bool IsWhole(const nlmsghdr* message, int left) {
  return mnl_nlmsg_ok(message, left) && message->nlmsg_len <= static_cast<uint32_t>(left);
}

// Whether it is a message of nf_tables of this type: libnftnl reads whatever it is given.
inline bool IsOf(const nlmsghdr* message, uint16_t type) {
  return message->nlmsg_type == ((NFNL_SUBSYS_NFTABLES << 8) | type);
}

// Has libnftnl read a message of this type into one of its objects. False when it is of another type, or
// libnftnl gave up, as at an expression that it does not know; but not for want of memory.
template <typename Object>
bool ReadInto(Object* object, int (*parse)(const nlmsghdr*, Object*), const nlmsghdr* message,
              uint16_t type) {
  if (!IsOf(message, type)) return false;
  errno = 0;
  if (parse(message, object) >= 0) return true;
  if (errno == ENOMEM) throw std::bad_alloc();
  return false;
}

// What an attribute holds, and nothing behind it, whatever its length is.
inline uint32_t NumberIn(const nlattr* attribute) {
  return mnl_attr_get_payload_len(attribute) < sizeof(uint32_t) ? 0 : mnl_attr_get_u32(attribute);
}
inline std::string_view TextIn(const nlattr* attribute) {
  const auto* text = static_cast<const char*>(mnl_attr_get_payload(attribute));
  return {text, strnlen(text, mnl_attr_get_payload_len(attribute))};
}

}  // namespace sluice::nft
