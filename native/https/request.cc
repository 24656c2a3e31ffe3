// SPDX-License-Identifier: GPL-2.0-or-later
#include "https/request.h"

#include <algorithm>

#include "core/json.h"

namespace sluice::https {
namespace {

using json::Fail;
using json::Object;
using json::Place;
using json::Value;

constexpr size_t kLongestName = 255;       // what a resolver takes
constexpr size_t kLongestPath = 16 << 10;  // what servers take, with room
constexpr size_t kLongestPem = 16 << 20;   // what a file of the host's may have

// Neither may end its line.
std::string Line(const Value& value, const Place& place) {
  std::string line = json::String(value, place, kLongestPath);
  if (std::any_of(line.begin(), line.end(), [](unsigned char c) { return c < ' ' || c == 0x7f; })) {
    Fail(place, "holds a control character");
  }
  return line;
}

std::string OptionalString(const Object& object, std::string_view key, size_t longest) {
  return object.Optional(key) == nullptr ? "" : object.String(key, longest);
}

}  // namespace

Request ReadRequest(std::string_view text) {
  json::Document document;
  document.Parse<rapidjson::kParseValidateEncodingFlag>(text.data(), text.size());
  const Place root;
  if (document.HasParseError()) Fail(root, "is no JSON");
  const Object object(document, root,
                      {"host", "port", "path", "headers", "ca", "certificate", "key", "serverName",
                       "insecure", "timeoutMs", "maxBytes"});
  Request request;
  request.host = json::Name(object.Required("host"), object.At("host"), kLongestName);
  request.port = static_cast<uint16_t>(object.Integer("port", 1, 65535));
  request.path = Line(object.Required("path"), object.At("path"));
  json::ForEach(object.Required("headers"), object.At("headers"), [&](const Value& item, const Place& at) {
    const Object header(item, at, {"name", "value"});
    request.headers.emplace_back(json::Name(header.Required("name"), header.At("name"), kLongestName),
                                 Line(header.Required("value"), header.At("value")));
  });
  request.ca = OptionalString(object, "ca", kLongestPem);
  request.certificate = OptionalString(object, "certificate", kLongestPem);
  request.key = OptionalString(object, "key", kLongestPem);
  if (request.certificate.empty() != request.key.empty()) Fail(object.At("key"), "not with a certificate");
  request.server_name = OptionalString(object, "serverName", kLongestName);
  request.insecure = object.Boolean("insecure");
  request.timeout = std::chrono::milliseconds(object.Integer("timeoutMs", 1, 3'600'000));
  request.most_bytes = static_cast<size_t>(object.Integer("maxBytes", 0, 64 << 20));
  return request;
}

}  // namespace sluice::https
