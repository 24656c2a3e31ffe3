// SPDX-License-Identifier: GPL-2.0-or-later
#include "core/exchange_json.h"

#include <cstring>
#include <limits>

namespace sluice {
namespace {

using json::Object;
using json::Place;
using json::Value;
using json::Writer;

constexpr size_t kLongestAddress = 45;  // INET6_ADDRSTRLEN without its NUL
constexpr size_t kLongestToken = 1024;  // a new connection's buffers hold it

const char* Name(ExchangeOutcome outcome) {
  switch (outcome) {
    case ExchangeOutcome::kReturned:
      return "returned";
    case ExchangeOutcome::kTaken:
      return "taken";
    case ExchangeOutcome::kRejected:
      return "rejected";
    case ExchangeOutcome::kNotSent:
      return "not-sent";
    case ExchangeOutcome::kNotListening:
      return "not-listening";
    case ExchangeOutcome::kNoDevice:
      return "no-device";
    case ExchangeOutcome::kTimedOut:
      break;
  }
  return "timed-out";
}

}  // namespace

Endpoint ReadEndpoint(const Value& value, const Place& place) {
  const Object object(value, place, {"address", "port"});
  return {object.String("address", kLongestAddress), static_cast<uint16_t>(object.Integer("port", 1, 65535))};
}

void WriteEndpoint(Writer& writer, const Endpoint& endpoint) {
  writer.StartObject();
  writer.Key("address");
  json::WriteText(writer, endpoint.address);
  writer.Key("port");
  writer.Uint(endpoint.port);
  writer.EndObject();
}

void WriteFailure(Writer& writer, const Failure& failure) {
  writer.StartObject();
  writer.Key("syscall");
  json::WriteText(writer, failure.syscall);
  writer.Key("errno");
  writer.Int(failure.error_number);
  writer.Key("name");
  writer.String(ErrnoName(failure.error_number));
  writer.Key("reason");
  json::WriteText(writer, strerror(failure.error_number));
  writer.EndObject();
}

ExchangeRequest ReadExchange(const Object& object) {
  ExchangeRequest request;
  request.deadline =
      std::chrono::steady_clock::now() +
      std::chrono::milliseconds(object.Integer("timeoutMs", 0, std::numeric_limits<int32_t>::max()));
  request.listen = ReadEndpoint(object.Required("listen"), object.At("listen"));
  request.ipv6_only = object.Boolean("ipv6Only");
  request.connect = ReadEndpoint(object.Required("connect"), object.At("connect"));
  if (const Value* from = object.Optional("from")) request.from = ReadEndpoint(*from, object.At("from"));
  if (object.Optional("hopLimit") != nullptr) {
    request.hop_limit = static_cast<int>(object.Integer("hopLimit", 1, 255));
  }
  request.token = object.String("token", kLongestToken);
  if (request.token.empty()) json::Fail(object.At("token"), "empty");
  return request;
}

void WriteExchange(Writer& writer, const ExchangeResult& result) {
  writer.StartObject();
  writer.Key("outcome");
  writer.String(Name(result.outcome));
  writer.Key("uid");
  writer.Uint(result.uid);
  writer.Key("received");
  json::WriteText(writer, result.received);
  if (result.original) {
    writer.Key("originalDestination");
    WriteEndpoint(writer, *result.original);
  }
  if (result.failure) {
    writer.Key("failure");
    WriteFailure(writer, *result.failure);
  }
  if (result.rejecter) {
    writer.Key("rejecter");
    json::WriteText(writer, *result.rejecter);
  }
  writer.EndObject();
}

}  // namespace sluice
