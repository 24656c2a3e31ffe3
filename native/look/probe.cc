// SPDX-License-Identifier: GPL-2.0-or-later
#include "look/probe.h"

#include <chrono>
#include <limits>
#include <string>

#include "core/exchange_json.h"
#include "core/namespace.h"
#include "socket/probe.h"

namespace sluice::look {
namespace {

using json::Object;
using json::Place;
using json::Value;
using json::Writer;

constexpr size_t kLongestAddress = 64;
constexpr int64_t kLastId = std::numeric_limits<uint32_t>::max() - 1;

struct Probe {
  bool outbound = true;
  TcpConnection connection;  // inbound: the local end is the one outside
};

Probe ReadProbe(const Object& object) {
  Probe probe;
  const std::string direction = object.String("direction", 8);
  if (direction != "out" && direction != "in") json::Fail(object.At("direction"), "neither out nor in");
  probe.outbound = direction == "out";
  TcpConnection& connection = probe.connection;
  connection.timeout =
      std::chrono::milliseconds(object.Integer("timeoutMs", 0, std::numeric_limits<int32_t>::max()));
  connection.port = static_cast<uint16_t>(object.Integer("port", 1, 65535));
  if (object.Optional("address") != nullptr) {
    connection.address = ParseInetAddress(object.String("address", kLongestAddress));
  } else if (probe.outbound) {
    json::Fail(object.At("address"), "missing");
  }
  if (object.Optional("from") != nullptr) {
    connection.local_address = ParseInetAddress(object.String("from", kLongestAddress));
    const int family = connection.address.family;
    if (family != AF_UNSPEC && family != connection.local_address->family) {
      json::Fail(object.At("from"), "of the other IP family");
    }
  }
  if (object.Optional("fromPort") != nullptr) {
    connection.local_port = static_cast<uint16_t>(object.Integer("fromPort", 1, 65535));
  }
  if (!probe.outbound && (!connection.local_address || connection.local_port == 0)) {
    json::Fail(object.At("from"), "missing, or without a port");
  }
  if (object.Optional("uid") != nullptr) connection.uid = object.Integer("uid", 0, kLastId);
  if (object.Optional("gid") != nullptr) connection.gid = object.Integer("gid", 0, kLastId);
  if (object.Optional("hopLimit") != nullptr) {
    connection.hop_limit = static_cast<int>(object.Integer("hopLimit", 1, 255));
  }
  connection.heed_icmp_errors = true;
  return probe;
}

// The ids of a thread are those of its user namespace, the ids of rules those of the one that the network
// namespace belongs to: a uid of ours would be another there.
void CheckUserNamespace() {
  if (!IsForeignNamespace()) return;
  throw Error(ErrorCode::kNamespace,
              "the network namespace belongs to another user namespace, whose users have other numbers; run "
              "it inside");
}

ProbeResult Run(const Probe& probe) {
  const TcpConnection& connection = probe.connection;
  if (!probe.outbound) {
    return ProbeInbound({*connection.local_address, connection.local_port},
                        {connection.address, connection.port});
  }
  if (connection.uid || connection.gid) CheckUserNamespace();
  return ProbeOutbound(connection);
}

const char* Name(ProbeOutcome outcome) {
  switch (outcome) {
    case ProbeOutcome::kEstablished:
      return "established";
    case ProbeOutcome::kRejected:
      return "rejected";
    case ProbeOutcome::kNotSent:
      return "not-sent";
    case ProbeOutcome::kDelivered:
      return "delivered";
    case ProbeOutcome::kNoDevice:
      return "no-device";
    case ProbeOutcome::kTimedOut:
      break;
  }
  return "timed-out";
}

void WriteEnd(Writer& writer, const char* key, const ConnectionEnd& end) {
  if (end.port == 0) return;  // not known
  writer.Key(key);
  WriteEndpoint(writer, {FormatInetAddress(end.address), end.port});
}

}  // namespace

void AnswerProbe(const Value& document, const Place& place, Writer& writer) {
  const Object object(document, place,
                      {"op", "netns", "timeoutMs", "direction", "address", "port", "from", "fromPort", "uid",
                       "gid", "hopLimit"});
  const std::string netns = object.OptionalPath("netns");
  const Probe probe = ReadProbe(object);
  ProbeResult result;
  const auto work = [&] { result = Run(probe); };
  // The thread that has taken the ids of another must not go on.
  if (netns.empty()) {
    RunOnThread(work);
  } else {
    RunInNamespace(netns, work);
  }
  writer.StartObject();
  writer.Key("outcome");
  writer.String(Name(result.outcome));
  if (result.uid && result.gid) {
    writer.Key("uid");
    writer.Uint(*result.uid);
    writer.Key("gid");
    writer.Uint(*result.gid);
  }
  WriteEnd(writer, "source", result.source);
  WriteEnd(writer, "destination", result.destination);
  if (result.went_to) WriteEnd(writer, "wentTo", *result.went_to);
  if (result.came_in_by) {
    writer.Key("cameInBy");
    json::WriteText(writer, *result.came_in_by);
  }
  if (result.failure) {
    writer.Key("failure");
    WriteFailure(writer, *result.failure);
  }
  if (result.rejecter) {
    writer.Key("rejecter");
    json::WriteText(writer, FormatInetAddress(*result.rejecter));
  }
  writer.EndObject();
}

}  // namespace sluice::look
