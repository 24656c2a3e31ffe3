// SPDX-License-Identifier: GPL-2.0-or-later
#include "look/operations.h"

#include <climits>
#include <iterator>
#include <limits>
#include <set>
#include <string>

#include "core/json.h"
#include "core/namespace.h"
#include "look/kernel_operations.h"
#include "look/listeners.h"
#include "look/namespaces.h"
#include "look/probe.h"
#include "socket/route.h"

namespace sluice::look {
namespace {

using json::Object;
using json::Place;
using json::Value;
using json::Writer;

constexpr size_t kLongestAddress = 64;

void WriteText(Writer& writer, const char* key, const std::string& text) {
  writer.Key(key);
  json::WriteText(writer, text);
}

void AnswerListeners(const Value& document, const Place& place, Writer& writer) {
  const Object request(document, place, {"op", "netns", "ports", "uids"});
  const std::string netns = request.OptionalPath("netns");
  std::set<uint16_t> ports;
  json::ForEach(request.Required("ports"), request.At("ports"), [&](const Value& item, const Place& at) {
    ports.insert(static_cast<uint16_t>(json::Integer(item, at, 0, UINT16_MAX)));
  });
  std::set<uint32_t> uids;
  json::ForEach(request.Required("uids"), request.At("uids"), [&](const Value& item, const Place& at) {
    constexpr int64_t kLastId = std::numeric_limits<uint32_t>::max() - 1;
    uids.insert(static_cast<uint32_t>(json::Integer(item, at, 0, kLastId)));
  });
  std::vector<Listener> listeners;
  RunInNamespace(netns, [&] { listeners = Listeners(ports, uids); });
  writer.StartObject();
  writer.Key("listeners");
  writer.StartArray();
  for (const Listener& listener : listeners) {
    writer.StartObject();
    writer.Key("family");
    writer.String(listener.address.family == AF_INET ? "ipv4" : "ipv6");
    WriteText(writer, "address", FormatInetAddress(listener.address));
    writer.Key("port");
    writer.Uint(listener.port);
    writer.Key("uid");
    writer.Uint(listener.uid);
    writer.EndObject();
  }
  writer.EndArray();
  writer.EndObject();
}

void AnswerRoute(const Value& document, const Place& place, Writer& writer) {
  const Object request(document, place, {"op", "netns", "destination"});
  const std::string netns = request.OptionalPath("netns");
  const InetAddress destination = ParseInetAddress(request.String("destination", kLongestAddress));
  std::string name;
  RunInNamespace(netns, [&] { name = RouteInterface(destination); });
  writer.StartObject();
  if (!name.empty()) WriteText(writer, "interface", name);
  writer.EndObject();
}

void AnswerNamespaces(const Value& document, const Place& place, Writer& writer) {
  const Object request(document, place, {"op"});
  const Namespaces all = ListNamespaces();
  writer.StartObject();
  writer.Key("namespaces");
  writer.StartArray();
  for (const NetworkNamespace& found : all.found) {
    writer.StartObject();
    writer.Key("inode");
    writer.Uint64(found.inode);
    WriteText(writer, "path", found.path);
    writer.Key("own");
    writer.Bool(found.own);
    writer.Key("processCount");
    writer.Uint64(found.process_count);
    writer.Key("processes");
    writer.StartArray();
    for (const Process& process : found.processes) {
      writer.StartObject();
      writer.Key("pid");
      writer.Int(process.pid);
      WriteText(writer, "command", process.command);
      WriteText(writer, "cgroup", process.cgroup);
      writer.EndObject();
    }
    writer.EndArray();
    writer.Key("mounts");
    writer.StartArray();
    for (const std::string& mount : found.mounts) json::WriteText(writer, mount);
    writer.EndArray();
    writer.EndObject();
  }
  writer.EndArray();
  writer.Key("hidden");
  writer.Uint64(all.hidden);
  writer.EndObject();
}

void AnswerNamespace(const Value& document, const Place& place, Writer& writer) {
  const Object request(document, place, {"op", "netns"});
  const bool own = IsOwnNamespace(request.String("netns", PATH_MAX - 1));
  writer.StartObject();
  writer.Key("own");
  writer.Bool(own);
  writer.EndObject();
}

constexpr Operation kItems[] = {
    {"listeners", AnswerListeners}, {"route", AnswerRoute},           {"namespaces", AnswerNamespaces},
    {"namespace", AnswerNamespace}, {"extensions", AnswerExtensions}, {"tracking", AnswerTracking},
    {"symbols", AnswerSymbols},     {"probe", AnswerProbe},
};

}  // namespace

constexpr Operations kOperations = {kItems, std::size(kItems)};

}  // namespace sluice::look
