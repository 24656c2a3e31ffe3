// SPDX-License-Identifier: GPL-2.0-or-later
#include "look/kernel_operations.h"

#include <cstring>
#include <set>
#include <string>
#include <vector>

#include "core/error.h"
#include "core/namespace.h"
#include "core/ruleset_json.h"
#include "look/extensions.h"
#include "look/symbols.h"

namespace sluice::look {
namespace {

using json::Object;
using json::Place;
using json::Value;
using json::Writer;

constexpr size_t kLongestName = 28;     // XT_EXTENSION_MAXNAMELEN, with its NUL
constexpr size_t kLongestSymbol = 511;  // KSYM_NAME_LEN

bool IsFirst(const Object& object, std::string_view key, std::string_view first, std::string_view second) {
  const std::string word = object.String(key, 16);
  if (word == first) return true;
  if (word != second) json::Fail(object.At(key), "not " + std::string(first) + " or " + std::string(second));
  return false;
}

ExtensionQuestion ReadQuestion(const Value& value, const Place& place) {
  const Object object(value, place, {"door", "family", "kind", "name", "revision"});
  ExtensionQuestion question;
  question.door = IsFirst(object, "door", "nf_tables", "ip_tables") ? Door::kNfTables : Door::kIpTables;
  question.family = ReadFamily(object.Required("family"), object.At("family"));
  question.target = IsFirst(object, "kind", "target", "match");
  question.name = object.String("name", kLongestName);
  question.revision = static_cast<uint8_t>(object.Integer("revision", 0, UINT8_MAX));
  return question;
}

// An object: empty for 0.
void WriteErrno(Writer& writer, int number) {
  writer.StartObject();
  if (number != 0) {
    writer.Key("errno");
    writer.Int(number);
    writer.Key("name");
    writer.String(ErrnoName(number));
    writer.Key("reason");
    json::WriteText(writer, strerror(number));
  }
  writer.EndObject();
}

}  // namespace

void AnswerExtensions(const Value& document, const Place& place, Writer& writer) {
  const Object request(document, place, {"op", "netns", "questions"});
  const std::string netns = request.OptionalPath("netns");
  std::vector<ExtensionQuestion> questions;
  json::ForEach(request.Required("questions"), request.At("questions"),
                [&](const Value& item, const Place& at) { questions.push_back(ReadQuestion(item, at)); });
  std::vector<int> answers;
  RunInNamespace(netns, [&] {
    for (const ExtensionQuestion& question : questions) answers.push_back(ExtensionErrno(question));
  });
  writer.StartObject();
  writer.Key("answers");
  writer.StartArray();
  for (const int answer : answers) WriteErrno(writer, answer);
  writer.EndArray();
  writer.EndObject();
}

void AnswerTracking(const Value& document, const Place& place, Writer& writer) {
  const Object request(document, place, {"op"});
  writer.StartObject();
  for (const Family family : kFamilies) {
    writer.Key(Name(family));
    WriteErrno(writer, TrackingErrno(family));
  }
  writer.EndObject();
}

void AnswerSymbols(const Value& document, const Place& place, Writer& writer) {
  const Object request(document, place, {"op", "names"});
  std::set<std::string> names;
  json::ForEach(request.Required("names"), request.At("names"), [&](const Value& item, const Place& at) {
    names.insert(json::String(item, at, kLongestSymbol));
  });
  writer.StartObject();
  writer.Key("found");
  writer.StartArray();
  for (const std::string& name : FindSymbols(names)) json::WriteText(writer, name);
  writer.EndArray();
  writer.EndObject();
}

}  // namespace sluice::look
