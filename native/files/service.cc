// SPDX-License-Identifier: GPL-2.0-or-later
#include "files/service.h"

#include <iterator>

#include "core/error.h"
#include "core/json.h"
#include "files/failure.h"
#include "files/files.h"

namespace sluice::files {
namespace {

using json::Object;
using json::Place;
using json::Value;
using json::Writer;

constexpr size_t kLongestText = size_t{16} << 20;
constexpr size_t kLongestVersion = 256;
constexpr int64_t kLastMode = 07777;

std::string Path(const Object& request, std::string_view key) {
  if (request.Optional(key) == nullptr) json::Fail(request.At(key), "missing");
  return request.OptionalPath(key);
}

mode_t Mode(const Object& request) { return static_cast<mode_t>(request.Integer("mode", 0, kLastMode)); }

void AnswerList(const Value& document, const Place& place, Writer& writer) {
  const Object request(document, place, {"op", "path"});
  writer.Key("names");
  writer.StartArray();
  for (const std::string& name : List(Path(request, "path"))) json::WriteText(writer, name);
  writer.EndArray();
}

void AnswerStatus(const Value& document, const Place& place, Writer& writer) {
  const Object request(document, place, {"op", "path"});
  const std::optional<Status> status = Look(Path(request, "path"));
  if (!status) return;
  writer.Key("status");
  writer.StartObject();
  writer.Key("kind");
  writer.String(status->kind);
  writer.Key("mode");
  writer.Uint(status->mode);
  writer.Key("version");
  json::WriteText(writer, status->version);
  writer.EndObject();
}

void AnswerReadLink(const Value& document, const Place& place, Writer& writer) {
  const Object request(document, place, {"op", "path"});
  writer.Key("target");
  json::WriteText(writer, ReadLink(Path(request, "path")));
}

void AnswerRead(const Value& document, const Place& place, Writer& writer) {
  const Object request(document, place, {"op", "path", "longest"});
  const std::string path = Path(request, "path");
  const std::string text =
      Read(path, static_cast<size_t>(request.Integer("longest", 0, static_cast<int64_t>(kLongestText))));
  // Not U+FFFD for what is none: what is written again must be what was read.
  if (!json::IsUtf8(text)) throw Failure(EILSEQ, "cannot read " + path, "it is not UTF-8");
  writer.Key("text");
  json::WriteText(writer, text);
}

void AnswerSame(const Value& document, const Place& place, Writer& writer) {
  const Object request(document, place, {"op", "path", "other"});
  writer.Key("same");
  writer.Bool(Same(Path(request, "path"), Path(request, "other")));
}

void AnswerReplace(const Value& document, const Place& place, Writer&) {
  const Object request(document, place, {"op", "path", "text", "mode", "expected"});
  const bool bound = request.Optional("expected") != nullptr;
  Replace(Path(request, "path"), request.String("text", kLongestText), Mode(request),
          bound ? request.String("expected", kLongestVersion) : "");
}

void AnswerCopy(const Value& document, const Place& place, Writer&) {
  const Object request(document, place, {"op", "from", "to", "mode"});
  Copy(Path(request, "from"), Path(request, "to"), Mode(request));
}

void AnswerRename(const Value& document, const Place& place, Writer&) {
  const Object request(document, place, {"op", "from", "to"});
  Rename(Path(request, "from"), Path(request, "to"));
}

void AnswerRemove(const Value& document, const Place& place, Writer&) {
  const Object request(document, place, {"op", "path"});
  Remove(Path(request, "path"));
}

void AnswerAppend(const Value& document, const Place& place, Writer&) {
  const Object request(document, place, {"op", "path", "text"});
  Append(Path(request, "path"), request.String("text", kLongestText));
}

// Of the one folder that the process has locked: its script does one thing after the other.
FileDescriptor& TheLock() {
  static FileDescriptor lock(-1);
  return lock;
}

void AnswerLock(const Value& document, const Place& place, Writer&) {
  const Object request(document, place, {"op", "path"});
  TheLock() = Lock(Path(request, "path"));
}

void AnswerUnlock(const Value& document, const Place& place, Writer&) {
  const Object request(document, place, {"op"});
  TheLock() = FileDescriptor(-1);
}

struct Operation {
  std::string_view name;
  // Writes the members of the answer.
  void (*answer)(const Value& document, const Place& place, Writer& writer);
};

constexpr Operation kOperations[] = {
    {"list", AnswerList},     {"status", AnswerStatus}, {"readLink", AnswerReadLink},
    {"read", AnswerRead},     {"same", AnswerSame},     {"replace", AnswerReplace},
    {"copy", AnswerCopy},     {"rename", AnswerRename}, {"remove", AnswerRemove},
    {"append", AnswerAppend}, {"lock", AnswerLock},     {"unlock", AnswerUnlock},
};

void Dispatch(const Value& document, const Place& place, Writer& writer) {
  const std::string op = json::Op(document, place);
  for (const Operation& operation : kOperations) {
    if (operation.name == op) return operation.answer(document, place, writer);
  }
  json::Fail(place.Key("op"), "unknown");
}

}  // namespace

std::string Answer(const std::string& request) {
  const json::Document document = json::Parse(request);
  const Place place;
  json::Buffer buffer;
  Writer writer(buffer);
  try {
    writer.StartObject();
    writer.Key("ok");
    writer.StartObject();
    Dispatch(document, place, writer);
    writer.EndObject();
    writer.EndObject();
  } catch (const Failure& failure) {
    buffer.Clear();
    writer.Reset(buffer);
    const char* code = ErrnoName(failure.error_number());
    writer.StartObject();
    writer.Key("error");
    writer.StartObject();
    writer.Key("code");
    writer.String(code);
    writer.Key("message");
    json::WriteText(writer, failure.what());
    writer.EndObject();
    writer.EndObject();
  }
  return {buffer.GetString(), buffer.GetSize()};
}

}  // namespace sluice::files
