// SPDX-License-Identifier: GPL-2.0-or-later
#include "fuzz/framing.h"

#include <arpa/inet.h>
#include <libmnl/libmnl.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nf_tables_compat.h>
#include <linux/netfilter/nfnetlink.h>

#include <cstdint>
#include <map>
#include <set>
#include <string>

#include "nft/attribute.h"

namespace sluice::fuzz {
namespace {

struct Shape;

// One kind of attribute.
struct Kind {
  enum class Of { kBytes, kNumber, kText, kNest, kList, kExpression } of = Of::kBytes;
  size_t size = 0;               // of a number; of bytes, the most
  const Shape* inner = nullptr;  // of a nest, and of each item of a list
};

struct Shape {
  std::map<uint16_t, Kind> attributes;  // no others
  std::set<uint16_t> needed = {};
};

constexpr size_t kAnySize = 0xffff;
constexpr uint16_t kNewest = 64;      // no attribute that a library of today knows has a higher number
constexpr size_t kLargestValue = 64;  // NFT_DATA_VALUE_MAXLEN
const Kind kBytes = {Kind::Of::kBytes, kAnySize};
const Kind kValue = {Kind::Of::kBytes, kLargestValue};
const Kind kByte = {Kind::Of::kNumber, 1};
const Kind kShort = {Kind::Of::kNumber, 2};
const Kind kNumber = {Kind::Of::kNumber, 4};
const Kind kLong = {Kind::Of::kNumber, 8};
const Kind kText = {Kind::Of::kText};
const Kind kExpression = {Kind::Of::kExpression};
Kind Nest(const Shape& inner) { return {Kind::Of::kNest, 0, &inner}; }
Kind List(const Shape& inner) { return {Kind::Of::kList, 0, &inner}; }

const Shape kVerdict = {
    {{NFTA_VERDICT_CODE, kNumber}, {NFTA_VERDICT_CHAIN, kText}, {NFTA_VERDICT_CHAIN_ID, kNumber}},
    {NFTA_VERDICT_CODE}};
const Shape kData = {{{NFTA_DATA_VALUE, kValue}, {NFTA_DATA_VERDICT, Nest(kVerdict)}}};

Shape Numbers(uint16_t last) {
  Shape shape;
  for (uint16_t type = 1; type <= last; ++type) shape.attributes.emplace(type, kNumber);
  return shape;
}

Shape With(Shape shape, const std::map<uint16_t, Kind>& others) {
  for (const auto& [type, kind] : others) shape.attributes[type] = kind;
  return shape;
}

// By their names; of others only those that libnftnl does not know, whose data it does not look at.
const std::map<std::string, Shape, std::less<>> kExpressions = {
    {"meta", Numbers(NFTA_META_MAX)},
    {"payload", Numbers(NFTA_PAYLOAD_MAX)},
    {"redir", Numbers(NFTA_REDIR_MAX)},
    {"masq", Numbers(NFTA_MASQ_MAX)},
    {"nat", Numbers(NFTA_NAT_MAX)},
    {"fib", Numbers(NFTA_FIB_MAX)},
    {"cmp", With(Numbers(NFTA_CMP_MAX), {{NFTA_CMP_DATA, Nest(kData)}})},
    {"range",
     With(Numbers(NFTA_RANGE_MAX), {{NFTA_RANGE_FROM_DATA, Nest(kData)}, {NFTA_RANGE_TO_DATA, Nest(kData)}})},
    {"immediate", With(Numbers(NFTA_IMMEDIATE_MAX), {{NFTA_IMMEDIATE_DATA, Nest(kData)}})},
    {"bitwise", With(Numbers(NFTA_BITWISE_MAX), {{NFTA_BITWISE_MASK, Nest(kData)},
                                                 {NFTA_BITWISE_XOR, Nest(kData)},
                                                 {NFTA_BITWISE_DATA, Nest(kData)}})},
    {"lookup", With(Numbers(NFTA_LOOKUP_MAX), {{NFTA_LOOKUP_SET, kText}})},
    {"ct", With(Numbers(NFTA_CT_MAX), {{NFTA_CT_DIRECTION, kByte}})},
    {"counter", {{{NFTA_COUNTER_BYTES, kLong}, {NFTA_COUNTER_PACKETS, kLong}, {NFTA_COUNTER_PAD, kBytes}}}},
    {"match",
     {{{NFTA_MATCH_NAME, kText}, {NFTA_MATCH_REV, kNumber}, {NFTA_MATCH_INFO, kBytes}},
      {NFTA_MATCH_NAME, NFTA_MATCH_REV, NFTA_MATCH_INFO}}},
    {"target",
     {{{NFTA_TARGET_NAME, kText}, {NFTA_TARGET_REV, kNumber}, {NFTA_TARGET_INFO, kBytes}},
      {NFTA_TARGET_NAME, NFTA_TARGET_REV, NFTA_TARGET_INFO}}},
    {"objref", {{{NFTA_OBJREF_IMM_TYPE, kNumber}, {NFTA_OBJREF_IMM_NAME, kText}}}},
    {"log", With(Numbers(NFTA_LOG_MAX),
                 {{NFTA_LOG_GROUP, kShort}, {NFTA_LOG_PREFIX, kText}, {NFTA_LOG_QTHRESHOLD, kShort}})},
    {"limit", With(Numbers(NFTA_LIMIT_MAX),
                   {{NFTA_LIMIT_RATE, kLong}, {NFTA_LIMIT_UNIT, kLong}, {NFTA_LIMIT_PAD, kBytes}})},
    {"notrack", {}},
};
// "match" and "target" are named by what libnftnl calls them; these it knows as well.
const std::set<std::string, std::less<>> kUndescribed = {
    "byteorder", "dup",    "dynset",   "exthdr", "fwd",    "hash",   "inner",
    "last",      "numgen", "osf",      "queue",  "quota",  "reject", "connlimit",
    "rt",        "socket", "synproxy", "tproxy", "tunnel", "xfrm",   "flow_offload"};

const Shape kCompat = {{{NFTA_RULE_COMPAT_PROTO, kNumber}, {NFTA_RULE_COMPAT_FLAGS, kNumber}}};
const Shape kExpressionList = {{{NFTA_LIST_ELEM, kExpression}}};
const Shape kRule = {{{NFTA_RULE_TABLE, kText},
                      {NFTA_RULE_CHAIN, kText},
                      {NFTA_RULE_HANDLE, kLong},
                      {NFTA_RULE_EXPRESSIONS, Nest(kExpressionList)},
                      {NFTA_RULE_COMPAT, Nest(kCompat)},
                      {NFTA_RULE_POSITION, kLong},
                      {NFTA_RULE_USERDATA, kBytes},
                      {NFTA_RULE_PAD, kBytes}}};
const Shape kHook = {{{NFTA_HOOK_HOOKNUM, kNumber}, {NFTA_HOOK_PRIORITY, kNumber}, {NFTA_HOOK_DEV, kText}},
                     {NFTA_HOOK_HOOKNUM, NFTA_HOOK_PRIORITY}};
const Shape kCounters = {
    {{NFTA_COUNTER_BYTES, kLong}, {NFTA_COUNTER_PACKETS, kLong}, {NFTA_COUNTER_PAD, kBytes}},
    {NFTA_COUNTER_BYTES, NFTA_COUNTER_PACKETS}};
const Shape kChain = {{{NFTA_CHAIN_TABLE, kText},
                       {NFTA_CHAIN_HANDLE, kLong},
                       {NFTA_CHAIN_NAME, kText},
                       {NFTA_CHAIN_HOOK, Nest(kHook)},
                       {NFTA_CHAIN_POLICY, kNumber},
                       {NFTA_CHAIN_USE, kNumber},
                       {NFTA_CHAIN_TYPE, kText},
                       {NFTA_CHAIN_COUNTERS, Nest(kCounters)},
                       {NFTA_CHAIN_PAD, kBytes},
                       {NFTA_CHAIN_FLAGS, kNumber}}};
const Shape kTable = {{{NFTA_TABLE_NAME, kText},
                       {NFTA_TABLE_FLAGS, kNumber},
                       {NFTA_TABLE_USE, kNumber},
                       {NFTA_TABLE_HANDLE, kLong},
                       {NFTA_TABLE_PAD, kBytes}}};
const Shape kDescription = {{{NFTA_SET_DESC_SIZE, kNumber}}};
const Shape kSet = {{{NFTA_SET_TABLE, kText},
                     {NFTA_SET_NAME, kText},
                     {NFTA_SET_FLAGS, kNumber},
                     {NFTA_SET_KEY_TYPE, kNumber},
                     {NFTA_SET_KEY_LEN, kNumber},
                     {NFTA_SET_DATA_TYPE, kNumber},
                     {NFTA_SET_DATA_LEN, kNumber},
                     {NFTA_SET_POLICY, kNumber},
                     {NFTA_SET_DESC, Nest(kDescription)},
                     {NFTA_SET_ID, kNumber},
                     {NFTA_SET_TIMEOUT, kLong},
                     {NFTA_SET_GC_INTERVAL, kNumber},
                     {NFTA_SET_USERDATA, kBytes},
                     {NFTA_SET_PAD, kBytes},
                     {NFTA_SET_OBJ_TYPE, kNumber},
                     {NFTA_SET_HANDLE, kLong}}};
const Shape kElement = {{{NFTA_SET_ELEM_KEY, Nest(kData)},
                         {NFTA_SET_ELEM_KEY_END, Nest(kData)},
                         {NFTA_SET_ELEM_DATA, Nest(kData)},
                         {NFTA_SET_ELEM_FLAGS, kNumber},
                         {NFTA_SET_ELEM_TIMEOUT, kLong},
                         {NFTA_SET_ELEM_EXPIRATION, kLong},
                         {NFTA_SET_ELEM_USERDATA, kBytes},
                         {NFTA_SET_ELEM_EXPR, kExpression},
                         {NFTA_SET_ELEM_PAD, kBytes},
                         {NFTA_SET_ELEM_OBJREF, kText}}};
const Shape kElements = {{{NFTA_SET_ELEM_LIST_TABLE, kText},
                          {NFTA_SET_ELEM_LIST_SET, kText},
                          {NFTA_SET_ELEM_LIST_SET_ID, kNumber},
                          {NFTA_SET_ELEM_LIST_ELEMENTS, List(kElement)}}};

const std::map<uint16_t, const Shape*> kMessages = {{NFT_MSG_NEWRULE, &kRule},
                                                    {NFT_MSG_NEWCHAIN, &kChain},
                                                    {NFT_MSG_NEWTABLE, &kTable},
                                                    {NFT_MSG_NEWSET, &kSet},
                                                    {NFT_MSG_NEWSETELEM, &kElements}};

bool Fits(const nlattr* attribute, const Kind& kind);

template <typename Walk>
bool FitAll(const Shape& shape, const Walk& walk) {
  bool fits = true;
  std::set<uint16_t> seen;
  walk([&](const nlattr* attribute) {
    const auto found = shape.attributes.find(mnl_attr_get_type(attribute));
    // Those of a newer kernel are passed over; of the others it is not known what they have to hold.
    if (found == shape.attributes.end()) {
      fits = fits && mnl_attr_get_type(attribute) > kNewest;
      return;
    }
    seen.insert(found->first);
    fits = fits && Fits(attribute, found->second);
  });
  for (const uint16_t type : shape.needed) fits = fits && seen.count(type) != 0;
  return fits;
}

// A jump and a goto name a chain (nft_verdict_dump).
bool FitVerdict(const nlattr* nest) {
  uint32_t code = 0;
  bool chain = false;
  nft::ForEachNested(nest, [&](const nlattr* attribute) {
    const uint16_t type = mnl_attr_get_type(attribute);
    if (type == NFTA_VERDICT_CODE) code = ntohl(nft::NumberIn(attribute));
    chain = chain || type == NFTA_VERDICT_CHAIN;
  });
  const auto verdict = static_cast<int32_t>(code);
  return chain || (verdict != NFT_JUMP && verdict != NFT_GOTO);
}

bool FitNest(const nlattr* nest, const Shape& shape) {
  if (&shape == &kVerdict && !FitVerdict(nest)) return false;
  return FitAll(shape, [&](auto each) { nft::ForEachNested(nest, each); });
}

// An attribute with a name and, by that, what is in it.
bool FitExpression(const nlattr* nest) {
  std::string name;
  const nlattr* data = nullptr;
  bool fits = true;
  nft::ForEachNested(nest, [&](const nlattr* attribute) {
    if (mnl_attr_get_type(attribute) == NFTA_EXPR_DATA) data = attribute;
    if (mnl_attr_get_type(attribute) != NFTA_EXPR_NAME) return;
    fits = fits && Fits(attribute, kText);
    name = nft::TextIn(attribute);
  });
  if (!fits || name.empty() || kUndescribed.count(name) != 0) return false;
  const auto found = kExpressions.find(name);
  if (found == kExpressions.end() || data == nullptr) return true;
  return FitNest(data, found->second);
}

bool Fits(const nlattr* attribute, const Kind& kind) {
  const size_t size = mnl_attr_get_payload_len(attribute);
  const bool nested =
      kind.of == Kind::Of::kNest || kind.of == Kind::Of::kList || kind.of == Kind::Of::kExpression;
  if (nested && size != 0 && size < sizeof(nlattr)) return false;
  switch (kind.of) {
    case Kind::Of::kBytes:
      return size <= kind.size;
    case Kind::Of::kNumber:
      return size == kind.size;
    case Kind::Of::kText:
      return size > 1 && nft::TextIn(attribute).size() == size - 1;
    case Kind::Of::kNest:
      return FitNest(attribute, *kind.inner);
    case Kind::Of::kList: {
      bool fits = true;
      nft::ForEachNested(attribute, [&](const nlattr* item) { fits = fits && FitNest(item, *kind.inner); });
      return fits;
    }
    case Kind::Of::kExpression:
      return FitExpression(attribute);
  }
  return false;
}

}  // namespace

bool Framed(std::string_view datagram) {
  int left = static_cast<int>(datagram.size());
  for (auto* header = reinterpret_cast<const nlmsghdr*>(datagram.data()); nft::IsWhole(header, left);
       header = mnl_nlmsg_next(header, &left)) {
    // Whatever the message says that it is: who asked decides how it is read.
    const auto walk = [&](auto each) { nft::ForEachAttributeOf(header, each); };
    for (const auto& [type, shape] : kMessages) {
      const bool said =
          (header->nlmsg_type & 0xff) == type && header->nlmsg_type >> 8 == NFNL_SUBSYS_NFTABLES;
      if (said && !FitAll(*shape, walk)) return false;
    }
  }
  return true;
}

}  // namespace sluice::fuzz
