// SPDX-License-Identifier: GPL-2.0-or-later
#include "quickjs/daemon_service.h"

#include <csignal>
#include <iterator>

#include "core/json.h"
#include "daemon/daemon.h"
#include "quickjs/system.h"

namespace sluice {
namespace {

using daemon::Daemon;
using daemon::Wake;
using json::Object;
using json::Place;
using json::Value;
using json::Writer;

constexpr size_t kLongestText = size_t{1} << 20;
constexpr int64_t kLongestWait = int64_t{1} << 31;

// The process has one: its script asks again and again.
Daemon& TheDaemon() {
  static Daemon daemon;
  return daemon;
}

void AnswerCatchSignals(const Value& document, const Place& place, Writer&) {
  const Object request(document, place, {"op"});
  CatchSignals();
}

void AnswerServe(const Value& document, const Place& place, Writer&) {
  const Object request(document, place, {"op", "port"});
  TheDaemon().Serve(static_cast<uint16_t>(request.Integer("port", 1, UINT16_MAX)));
}

void AnswerPublish(const Value& document, const Place& place, Writer&) {
  const Object request(document, place, {"op", "pages"});
  daemon::Pages pages;
  json::ForEach(request.Required("pages"), request.At("pages"), [&](const Value& item, const Place& at) {
    const Object page(item, at, {"path", "status", "type", "body"});
    pages[page.String("path", kLongestText)] = {static_cast<int>(page.Integer("status", 100, 599)),
                                                json::Name(page.Required("type"), page.At("type"), 256),
                                                page.String("body", kLongestText)};
  });
  TheDaemon().Publish(std::move(pages));
}

void AnswerWatch(const Value& document, const Place& place, Writer& writer) {
  const Object request(document, place, {"op", "folders"});
  std::vector<std::string> folders;
  json::ForEach(request.Required("folders"), request.At("folders"),
                [&](const Value& item, const Place& at) { folders.push_back(json::String(item, at, 4095)); });
  writer.Key("unwatched");
  writer.StartArray();
  for (const auto& [folder, reason] : TheDaemon().Watch(folders)) {
    writer.StartObject();
    writer.Key("folder");
    json::WriteText(writer, folder);
    writer.Key("reason");
    json::WriteText(writer, reason);
    writer.EndObject();
  }
  writer.EndArray();
}

void AnswerWait(const Value& document, const Place& place, Writer& writer) {
  const Object request(document, place, {"op", "timeoutMs", "watching"});
  const std::chrono::milliseconds timeout(request.Integer("timeoutMs", 0, kLongestWait));
  const Wake wake = TheDaemon().Wait(timeout, request.Boolean("watching"), SignalDescriptor());
  writer.Key("wake");
  writer.String(wake == Wake::kSignal ? "signal" : wake == Wake::kChanged ? "changed" : "timeout");
  if (const std::optional<int> number = CaughtSignal()) {
    writer.Key("signal");
    writer.String(*number == SIGINT ? "SIGINT" : "SIGTERM");
  }
}

struct Operation {
  std::string_view name;
  // Writes the members of the answer.
  void (*answer)(const Value& document, const Place& place, Writer& writer);
};

constexpr Operation kOperations[] = {
    {"catchSignals", AnswerCatchSignals},
    {"serve", AnswerServe},
    {"publish", AnswerPublish},
    {"watch", AnswerWatch},
    {"wait", AnswerWait},
};

}  // namespace

std::string AnswerDaemon(const std::string& request) {
  const json::Document document = json::Parse(request);
  const Place place;
  const std::string op = json::Op(document, place);
  for (const Operation& operation : kOperations) {
    if (operation.name != op) continue;
    json::Buffer buffer;
    Writer writer(buffer);
    writer.StartObject();
    operation.answer(document, place, writer);
    writer.EndObject();
    return {buffer.GetString(), buffer.GetSize()};
  }
  json::Fail(place.Key("op"), "unknown");
}

}  // namespace sluice
