// SPDX-License-Identifier: GPL-2.0-or-later
#include "core/ruleset_json_sets.h"

#include <arpa/inet.h>
#include <netinet/in.h>

namespace sluice {
namespace {

using json::Fail;
using json::Object;
using json::Place;
using json::Value;
using json::Writer;

// NFT_SET_MAXNAMELEN is longer; ours need no more.
constexpr size_t kLongestSetName = 63;

std::array<uint8_t, 16> ReadElement(const Object& interval, const char* key, SetType type) {
  std::array<uint8_t, 16> bytes{};
  if (type == SetType::kPorts) {
    const auto port = interval.Integer(key, 0, 65535);
    bytes[0] = static_cast<uint8_t>(port >> 8);
    bytes[1] = static_cast<uint8_t>(port);
    return bytes;
  }
  const std::string text = interval.String(key, INET6_ADDRSTRLEN);
  if (inet_pton(type == SetType::kIpv4 ? AF_INET : AF_INET6, text.c_str(), bytes.data()) != 1) {
    Fail(interval.At(key), "not an address of its family");
  }
  return bytes;
}

// The element behind this one; the last there is gives zero.
std::array<uint8_t, 16> Next(std::array<uint8_t, 16> element, SetType type) {
  for (size_t i = ElementSize(type); i-- > 0;) {
    if (++element[i] != 0) break;
  }
  return element;
}

SetType ReadSetType(const Object& set) {
  const std::string type = set.String("type", 8);
  if (type == "ports") return SetType::kPorts;
  if (type == "ipv4") return SetType::kIpv4;
  if (type == "ipv6") return SetType::kIpv6;
  Fail(set.At("type"), "unknown type");
}

}  // namespace

std::string ReadSetName(const Value& value, const Place& place) {
  return json::Name(value, place, kLongestSetName);
}

Set ReadSet(const Value& value, const Place& place) {
  const Object object(value, place, {"name", "type", "elements"});
  Set set{ReadSetName(object.Required("name"), object.At("name")), ReadSetType(object), {}};
  const Value& elements = object.Required("elements");
  if (elements.IsArray()) set.intervals.reserve(elements.Size());
  json::ForEach(elements, object.At("elements"), [&](const Value& item, const Place& at) {
    const Object interval(item, at, {"first", "last"});
    const Interval read{ReadElement(interval, "first", set.type), ReadElement(interval, "last", set.type)};
    if (read.last < read.first) Fail(at, "ends before it begins");
    if (!set.intervals.empty()) {
      const std::array<uint8_t, 16>& before = set.intervals.back().last;
      const std::array<uint8_t, 16> next = Next(before, set.type);
      if (next < before || read.first <= next) Fail(at, "no gap to the one before it");
    }
    set.intervals.push_back(read);
  });
  return set;
}

void WriteSet(Writer& writer, const Set& set) {
  const auto element = [&](const char* key, const std::array<uint8_t, 16>& bytes) {
    writer.Key(key);
    if (set.type == SetType::kPorts) {
      writer.Uint(static_cast<unsigned>(bytes[0] << 8 | bytes[1]));
      return;
    }
    std::array<char, INET6_ADDRSTRLEN> text{};
    inet_ntop(set.type == SetType::kIpv4 ? AF_INET : AF_INET6, bytes.data(), text.data(), text.size());
    writer.String(text.data());
  };
  writer.StartObject();
  writer.Key("name");
  json::WriteText(writer, set.name);
  writer.Key("type");
  writer.String(set.type == SetType::kPorts ? "ports" : set.type == SetType::kIpv4 ? "ipv4" : "ipv6");
  writer.Key("elements");
  writer.StartArray();
  for (const Interval& interval : set.intervals) {
    writer.StartObject();
    element("first", interval.first);
    element("last", interval.last);
    writer.EndObject();
  }
  writer.EndArray();
  writer.EndObject();
}

}  // namespace sluice
