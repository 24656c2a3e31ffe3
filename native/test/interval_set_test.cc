// SPDX-License-Identifier: GPL-2.0-or-later
#include "nftables/interval_set.h"

#include <arpa/inet.h>
#include <doctest/doctest.h>
#include <libnftnl/common.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>

#include <functional>

#include "nftables/state.h"

namespace sluice::nftables {
namespace {

std::array<uint8_t, 16> Port(int port) {
  return {static_cast<uint8_t>(port >> 8), static_cast<uint8_t>(port)};
}

Interval Ports(int first, int last) { return {Port(first), Port(last)}; }

TEST_CASE("intervals are borders, and borders are intervals") {
  for (const std::vector<Interval>& intervals : std::vector<std::vector<Interval>>{
           {},
           {Ports(0, 0)},
           {Ports(65535, 65535)},
           {Ports(0, 65535)},
           {Ports(0, 255), Ports(257, 511), Ports(65534, 65535)},
       }) {
    std::vector<nft::Border> borders = BordersOf(intervals, SetType::kPorts);
    if (Leads(intervals)) borders.push_back(LeadingBorder());
    CHECK(IntervalsOf(borders, SetType::kPorts) == intervals);
  }
  CHECK(BordersOf({Ports(0, 65535)}, SetType::kPorts).size() == 1);
  CHECK(Leads({Ports(1, 1)}));
  CHECK_FALSE(Leads({Ports(0, 1)}));
  CHECK_FALSE(Leads({}));
}

TEST_CASE("borders that do not pair are no intervals") {
  CHECK_FALSE(IntervalsOf({{Port(1), true}}, SetType::kPorts));
  CHECK_FALSE(IntervalsOf({{Port(1), false}, {Port(2), false}}, SetType::kPorts));
  CHECK_FALSE(IntervalsOf({{Port(1), false}, {Port(2), true}, {Port(3), true}}, SetType::kPorts));
}

TEST_CASE("what one list of intervals has and the other has not") {
  const std::vector<Interval> one = {Ports(1, 2), Ports(4, 9), Ports(20, 20)};
  const std::vector<Interval> other = {Ports(1, 2), Ports(4, 8), Ports(30, 30)};
  CHECK(Difference(one, other) == std::vector<Interval>{Ports(4, 9), Ports(20, 20)});
  CHECK(Difference(other, one) == std::vector<Interval>{Ports(4, 8), Ports(30, 30)});
  CHECK(Difference(one, one).empty());
}

// A message that lists one element, whose attributes are put by the function; as large as it is, so that
// AddressSanitizer sees a read behind its end.
struct Listed {
  explicit Listed(const std::function<void(nlmsghdr*)>& put) {
    std::vector<char> room(1024);
    nlmsghdr* message = nftnl_nlmsg_build_hdr(room.data(), NFT_MSG_NEWSETELEM, NFPROTO_INET, 0, 1);
    nlattr* list = mnl_attr_nest_start(message, NFTA_SET_ELEM_LIST_ELEMENTS);
    nlattr* element = mnl_attr_nest_start(message, NFTA_LIST_ELEM);
    put(message);
    mnl_attr_nest_end(message, element);
    mnl_attr_nest_end(message, list);
    bytes.assign(room.data(), room.data() + message->nlmsg_len);
  }
  bool Read(std::vector<nft::Border>& borders) const {
    return ReadBorders(reinterpret_cast<const nlmsghdr*>(bytes.data()), SetType::kPorts, borders);
  }
  std::vector<char> bytes;
};

void PutKey(nlmsghdr* message, size_t size) {
  const std::array<uint8_t, 16> key = {0, 80};
  nlattr* nest = mnl_attr_nest_start(message, NFTA_SET_ELEM_KEY);
  mnl_attr_put(message, NFTA_DATA_VALUE, size, key.data());
  mnl_attr_nest_end(message, nest);
}

TEST_CASE("elements in a message of the kernel's: a border, or more or less than one") {
  const auto reads = [](const std::function<void(nlmsghdr*)>& put) {
    std::vector<nft::Border> borders;
    const bool plain = Listed(put).Read(borders);
    CHECK(borders.size() == (plain ? 1 : 0));
    return plain;
  };
  const auto with = [&](uint16_t attribute, uint32_t value) {
    return reads([&](nlmsghdr* message) {
      PutKey(message, 2);
      mnl_attr_put_u32(message, attribute, htonl(value));
    });
  };
  CHECK(reads([](nlmsghdr* message) { PutKey(message, 2); }));
  CHECK(with(NFTA_SET_ELEM_FLAGS, 0));
  CHECK(with(NFTA_SET_ELEM_FLAGS, NFT_SET_ELEM_INTERVAL_END));
  CHECK(with(NFTA_SET_ELEM_USERDATA, 0));
  CHECK_FALSE(with(NFTA_SET_ELEM_FLAGS, 2));  // NFT_SET_ELEM_CATCHALL
  CHECK_FALSE(with(NFTA_SET_ELEM_TIMEOUT, 1));
  CHECK_FALSE(with(NFTA_SET_ELEM_EXPR, 1));
  CHECK_FALSE(with(NFTA_SET_ELEM_DATA, 1));
  CHECK_FALSE(reads([](nlmsghdr*) {}));
  for (const size_t size : {0U, 1U, 4U, 16U}) {
    CHECK_FALSE(reads([&](nlmsghdr* message) { PutKey(message, size); }));
  }
}

TEST_CASE("a list of elements that is broken anywhere does no harm") {
  const Listed whole([](nlmsghdr* message) {
    mnl_attr_put_u32(message, NFTA_SET_ELEM_FLAGS, htonl(NFT_SET_ELEM_INTERVAL_END));
    PutKey(message, 2);
  });
  for (size_t i = sizeof(nlmsghdr); i < whole.bytes.size(); ++i) {
    for (const char byte : {'\0', '\1', '\x7f', '\xff'}) {
      Listed broken = whole;
      broken.bytes[i] = byte;
      std::vector<nft::Border> borders;
      broken.Read(borders);
      CHECK(borders.size() <= 1);
    }
  }
  for (size_t length = sizeof(nlmsghdr) + 4; length < whole.bytes.size(); ++length) {
    Listed shorter = whole;
    shorter.bytes.resize(length);
    shorter.bytes.shrink_to_fit();
    reinterpret_cast<nlmsghdr*>(shorter.bytes.data())->nlmsg_len = static_cast<uint32_t>(length);
    std::vector<nft::Border> borders;
    shorter.Read(borders);
    CHECK(borders.empty());
  }
}

TEST_CASE("a set of intervals, and one that says more than ours do") {
  const auto type = [](uint16_t attribute, uint32_t value) {
    const nft::SetHandle set = nft::NewSet();
    nftnl_set_set_u32(set.get(), NFTNL_SET_FLAGS, NFT_SET_INTERVAL);
    nftnl_set_set_u32(set.get(), NFTNL_SET_KEY_TYPE, nft::KeyType(SetType::kPorts));
    nftnl_set_set_u32(set.get(), NFTNL_SET_KEY_LEN, 2);
    if (attribute == NFTNL_SET_TIMEOUT) {
      nftnl_set_set_u64(set.get(), attribute, value);
    } else {
      nftnl_set_set_u32(set.get(), attribute, value);
    }
    return TypeOf(set.get());
  };
  CHECK(type(NFTNL_SET_ID, 1) == SetType::kPorts);
  CHECK_FALSE(type(NFTNL_SET_DESC_SIZE, 2));
  CHECK_FALSE(type(NFTNL_SET_TIMEOUT, 2));
  CHECK_FALSE(type(NFTNL_SET_GC_INTERVAL, 2));
  CHECK_FALSE(type(NFTNL_SET_POLICY, NFT_SET_POL_MEMORY));
  CHECK_FALSE(type(NFTNL_SET_OBJ_TYPE, 1));
  CHECK_FALSE(type(NFTNL_SET_KEY_LEN, 4));
  CHECK_FALSE(type(NFTNL_SET_KEY_TYPE, nft::KeyType(SetType::kIpv4)));
  CHECK_FALSE(type(NFTNL_SET_FLAGS, NFT_SET_INTERVAL | NFT_SET_TIMEOUT));
}

}  // namespace
}  // namespace sluice::nftables
