// SPDX-License-Identifier: GPL-2.0-or-later
#include "socket/netlink.h"

#include <doctest/doctest.h>
#include <linux/rtnetlink.h>

#include <cerrno>
#include <cstring>
#include <limits>

#include "core/error.h"

namespace sluice {
namespace {

using Bytes = std::vector<unsigned char>;

template <typename Value>
void Append(Bytes& bytes, const Value& value) {
  const auto* begin = reinterpret_cast<const unsigned char*>(&value);
  bytes.insert(bytes.end(), begin, begin + sizeof(value));
}

Bytes Attribute(uint16_t length, uint16_t type, const Bytes& content) {
  Bytes bytes;
  Append(bytes, length);
  Append(bytes, type);
  bytes.insert(bytes.end(), content.begin(), content.end());
  while (bytes.size() % NLA_ALIGNTO != 0) bytes.push_back(0);
  return bytes;
}

Bytes Message(uint16_t type, uint16_t flags, const Bytes& payload, uint32_t sequence = 1) {
  nlmsghdr header{};
  header.nlmsg_len = static_cast<uint32_t>(NLMSG_HDRLEN + payload.size());
  header.nlmsg_type = type;
  header.nlmsg_flags = flags;
  header.nlmsg_seq = sequence;
  Bytes bytes;
  Append(bytes, header);
  bytes.insert(bytes.end(), payload.begin(), payload.end());
  return bytes;
}

Bytes ErrorMessage(int error_number, uint16_t flags, const Bytes& attributes,
                   uint32_t repeated = NLMSG_HDRLEN) {
  nlmsgerr error{};
  error.error = -error_number;
  error.msg.nlmsg_len = repeated;
  Bytes payload;
  Append(payload, error);
  payload.insert(payload.end(), attributes.begin(), attributes.end());
  return Message(NLMSG_ERROR, flags, payload);
}

Error RefusalOf(const Bytes& reply) {
  try {
    CheckedNetlinkReply(reply, "tried");
  } catch (const Error& error) {
    return error;
  }
  FAIL("not refused");
  return Error(ErrorCode::kInvalidRequest, "");
}

NetlinkAttributes AttributesOf(const Bytes& bytes) { return NetlinkAttributes(bytes.data(), bytes.size()); }

TEST_CASE("an attribute is found by its type, whatever its flags") {
  Bytes bytes = Attribute(5, 1, {7});
  const Bytes second = Attribute(8, 2 | NLA_F_NESTED, {1, 2, 3, 4});
  bytes.insert(bytes.end(), second.begin(), second.end());
  CHECK(AttributesOf(bytes).FindValue<uint8_t>(1) == 7);
  CHECK(AttributesOf(bytes).Find(2)->size() == 4);
  CHECK(!AttributesOf(bytes).FindValue<uint16_t>(1).has_value());
  CHECK(!AttributesOf(bytes).Find(3).has_value());
  CHECK(!AttributesOf({}).Find(1).has_value());
}

TEST_CASE("an attribute whose length is a lie ends the list") {
  for (const uint16_t length : {0, 1, 3, 9, 65535}) {
    CAPTURE(length);
    CHECK(!AttributesOf(Attribute(length, 1, {1, 2, 3, 4})).Find(1).has_value());
  }
  const Bytes whole = Attribute(8, 1, {1, 2, 3, 4});
  for (size_t size = 0; size < whole.size(); ++size) {
    CHECK(!NetlinkAttributes(whole.data(), size).Find(1).has_value());
  }
  // A nest that is shorter than what it says it holds.
  const Bytes nest = Attribute(8, 1, {20, 0, 2, 0});
  CHECK(!AttributesOf(nest).Find(1)->Find(2).has_value());
}

TEST_CASE("a reply is a whole message of ours") {
  CHECK(CheckedNetlinkReply(Message(RTM_NEWROUTE, 0, {1, 2}), "tried").size() == NLMSG_HDRLEN + 2);
  CHECK(RefusalOf({}).error_number == EBADMSG);
  CHECK(RefusalOf(Bytes(NLMSG_HDRLEN - 1)).error_number == EBADMSG);
  CHECK(RefusalOf(Message(RTM_NEWROUTE, 0, {}, 2)).error_number == EBADMSG);
  Bytes longer = Message(RTM_NEWROUTE, 0, {});
  longer[0] = 200;
  CHECK(RefusalOf(longer).error_number == EBADMSG);
  CHECK(RefusalOf(Message(NLMSG_ERROR, 0, {0, 0, 0, 0})).error_number == EBADMSG);
}

TEST_CASE("an acknowledgement is no refusal") {
  CHECK_NOTHROW(CheckedNetlinkReply(ErrorMessage(0, 0, {}), "tried"));
}

TEST_CASE("a refusal has the errno, and the kernel's words where there are some") {
  const Bytes text = Attribute(NLA_HDRLEN + 5, NLMSGERR_ATTR_MSG, {'w', 'h', 'y', '?', 0});
  CHECK(RefusalOf(ErrorMessage(EPERM, 0, text)).detail == "tried");
  CHECK(RefusalOf(ErrorMessage(EPERM, 0, text)).error_number == EPERM);
  CHECK(RefusalOf(ErrorMessage(EEXIST, NLM_F_ACK_TLVS | NLM_F_CAPPED, text)).detail == "tried: why?");
  // A kernel without NETLINK_CAP_ACK repeats the request.
  Bytes repeated(4);
  repeated.insert(repeated.end(), text.begin(), text.end());
  const Bytes message = ErrorMessage(EEXIST, NLM_F_ACK_TLVS, repeated, NLMSG_HDRLEN + 4);
  CHECK(RefusalOf(message).detail == "tried: why?");
  // What it says of the length of that may be a lie.
  for (const uint32_t length : {0U, 15U, 100U, 0xffffffffU}) {
    CHECK(RefusalOf(ErrorMessage(EEXIST, NLM_F_ACK_TLVS, text, length)).detail == "tried");
  }
  const Bytes unended = Attribute(NLA_HDRLEN + 4, NLMSGERR_ATTR_MSG, {'w', 'h', 'y', '!'});
  CHECK(RefusalOf(ErrorMessage(EEXIST, NLM_F_ACK_TLVS | NLM_F_CAPPED, unended)).detail == "tried: why!");
}

TEST_CASE("what is no errno is no answer") {
  for (const int number : {1, -4096, std::numeric_limits<int>::min(), std::numeric_limits<int>::max()}) {
    Bytes message = ErrorMessage(EPERM, 0, {});
    std::memcpy(message.data() + NLMSG_HDRLEN, &number, sizeof(number));
    CHECK(RefusalOf(message).error_number == EBADMSG);
  }
  CHECK(RefusalOf(ErrorMessage(4095, 0, {})).error_number == 4095);
}

TEST_CASE("what is too long for an attribute is refused") {
  NetlinkRequest request(RTM_NEWLINK, 0);
  CHECK_THROWS_AS(request.AddText(1, std::string(65532, 'x')), Error);
  CHECK_NOTHROW(request.AddText(1, std::string(65530, 'x')));
  const size_t nest = request.BeginNest(2);
  request.AddBytes(3, Bytes(65000).data(), 65000);
  request.AddBytes(3, Bytes(65000).data(), 65000);
  CHECK_THROWS_AS(request.EndNest(nest), Error);
}

}  // namespace
}  // namespace sluice
