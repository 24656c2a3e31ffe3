// SPDX-License-Identifier: GPL-2.0-or-later
#include "core/core.h"

#include <cstring>
#include <limits>
#include <memory>
#include <new>
#include <utility>
#include <vector>

#include "core/check.h"
#include "core/exchange_json.h"
#include "core/json.h"
#include "core/legacy_tables.h"
#include "core/namespace.h"
#include "core/ruleset_json.h"
#include "core/ruleset_json_sets.h"
#include "core/sysctl.h"

namespace sluice {
namespace {

using json::Fail;
using json::Object;
using json::Place;
using json::Value;
using json::Writer;

const Backend& BackendFor(Mode mode, const Backends& backends) {
  if (mode == Mode::kNft && backends.nft != nullptr) return *backends.nft;
  if (mode == Mode::kLegacy && backends.legacy != nullptr) return *backends.legacy;
  if (mode == Mode::kNftables && backends.nftables != nullptr) return *backends.nftables;
  throw Error(ErrorCode::kModeUnavailable, "this build of sluice has no such mode");
}

// A request about the rules of one mode: op "commit" or "inspect".
struct Asked {
  Asked(const Value& document, const Place& place, const Backends& backends) {
    const Object object(document, place,
                        {"op", "netns", "timeoutMs", "families", "ruleset", "lockFile", "elsewhere"});
    netns = object.OptionalPath("netns");
    request.deadline =
        std::chrono::steady_clock::now() +
        std::chrono::milliseconds(object.Integer("timeoutMs", 0, std::numeric_limits<int32_t>::max()));
    json::ForEach(
        object.Required("families"), object.At("families"), [&](const Value& item, const Place& at) {
          const Object wanted(item, at, {"family", "required"});
          request.families.push_back(
              {ReadFamily(wanted.Required("family"), wanted.At("family")), wanted.Boolean("required")});
        });
    request.ruleset = ReadRuleset(object.Required("ruleset"), object.At("ruleset"));
    request.lock_file = object.OptionalPath("lockFile");
    if (const Value* tables = object.Optional("elsewhere")) {
      json::ForEach(*tables, object.At("elsewhere"), [&](const Value& table, const Place& at) {
        request.elsewhere.push_back(ReadTable(table, at));
      });
    }
    CheckCommit(request);
    backend = &BackendFor(request.ruleset.mode, backends);
  }

  std::string netns;
  RulesetRequest request;
  const Backend* backend;
};

void WriteStringIf(Writer& writer, const char* key, const std::string& value) {
  if (value.empty()) return;
  writer.Key(key);
  json::WriteText(writer, value);
}

void WriteError(Writer& writer, const Error& error) {
  writer.StartObject();
  writer.Key("code");
  writer.String(Name(error.code));
  writer.Key("detail");
  json::WriteText(writer, error.detail);
  if (error.error_number != 0) {
    writer.Key("errno");
    writer.Int(error.error_number);
    WriteStringIf(writer, "name", ErrnoName(error.error_number));
    WriteStringIf(writer, "reason", strerror(error.error_number));
  }
  WriteStringIf(writer, "syscall", error.syscall);
  if (error.family) WriteStringIf(writer, "family", Name(*error.family));
  WriteStringIf(writer, "table", error.table);
  WriteStringIf(writer, "chain", error.chain);
  WriteStringIf(writer, "set", error.set);
  if (error.rule) {
    writer.Key("rule");
    writer.Uint64(*error.rule);
  }
  WriteStringIf(writer, "part", error.part);
  writer.EndObject();
}

void WriteFamilyNames(Writer& writer, const char* key, const std::vector<Family>& families) {
  writer.Key(key);
  writer.StartArray();
  for (const Family family : families) writer.String(Name(family));
  writer.EndArray();
}

// Which tables ip_tables has: so that nobody has to load libiptc to learn that there is nothing for it to do.
struct LegacyTables {
  explicit LegacyTables(const Ruleset& ruleset) {
    if (ruleset.mode == Mode::kLegacy) return;  // it has looked itself
    for (const Family family : kFamilies) found.emplace_back(family, LegacyTable(family, "nat"));
  }
  LegacyTables() = default;

  std::vector<std::pair<Family, Registration>> found;
};

void WriteLegacyTables(Writer& writer, const LegacyTables& tables) {
  writer.Key("legacyTables");
  writer.StartArray();
  for (const auto& [family, registration] : tables.found) {
    writer.StartObject();
    writer.Key("family");
    writer.String(Name(family));
    writer.Key("registered");
    if (registration.registered == Registered::kUnknown) {
      writer.Null();
      writer.Key("reason");
      json::WriteText(writer, strerror(registration.error_number));
    } else {
      writer.Bool(registration.registered == Registered::kYes);
    }
    writer.EndObject();
  }
  writer.EndArray();
}

// The members of an inspection, in an object that is open.
void WriteInspection(Writer& writer, const Inspection& inspection, bool elsewhere) {
  writer.Key("generation");
  writer.Uint(inspection.generation);
  writer.Key("families");
  writer.StartArray();
  for (const InstalledFamily& family : inspection.families) {
    writer.StartObject();
    writer.Key("family");
    writer.String(Name(family.family));
    writer.Key("present");
    writer.Bool(family.present);
    writer.Key("changed");
    writer.Bool(family.changed);
    if (family.dormant) {
      writer.Key("dormant");
      writer.Bool(true);
    }
    writer.Key("chains");
    writer.StartArray();
    for (const InstalledChain& chain : family.chains) WriteChain(writer, chain);
    writer.EndArray();
    writer.Key("sets");
    writer.StartArray();
    for (const Set& set : family.sets) WriteSet(writer, set);
    writer.EndArray();
    writer.EndObject();
  }
  writer.EndArray();
  WriteFamilyNames(writer, "stale", inspection.stale);
  WriteFamilyNames(writer, "unseen", inspection.unseen);
  if (elsewhere) {
    writer.Key("elsewhere");
    writer.Bool(inspection.elsewhere);
  }
}

void WriteResult(const Asked& asked, const CommitResult& result, const LegacyTables& legacy_tables,
                 Writer& writer) {
  writer.StartObject();
  writer.Key("changed");
  writer.Bool(result.changed);
  writer.Key("attempts");
  writer.Uint(result.attempts);
  writer.Key("messages");
  writer.Uint(result.messages);
  writer.Key("bytes");
  writer.Uint64(result.bytes);
  writer.Key("kernelMicroseconds");
  writer.Int64(result.kernel_time.count());
  if (!result.displaced.empty()) WriteFamilyNames(writer, "displaced", result.displaced);
  WriteInspection(writer, result, !asked.request.elsewhere.empty());
  WriteLegacyTables(writer, legacy_tables);
  writer.EndObject();
}

// What an operation leaves to who called the door.
struct Left {
  bool changed = false;              // rules, already
  std::shared_ptr<void> connection;  // that of the Reply
};

void Commit(const Asked& asked, Writer& writer, Left& left) {
  CommitResult result;
  LegacyTables legacy_tables;
  RunInNamespace(asked.netns, [&] {
    result = asked.backend->commit(asked.request);
    left = {result.changed, std::move(result.connection)};
    legacy_tables = LegacyTables(asked.request.ruleset);
  });
  WriteResult(asked, result, legacy_tables, writer);
}

void Inspect(const Asked& asked, Writer& writer) {
  Inspection inspection;
  LegacyTables legacy_tables;
  RunInNamespace(asked.netns, [&] {
    inspection = asked.backend->inspect(asked.request);
    legacy_tables = LegacyTables(asked.request.ruleset);
  });
  writer.StartObject();
  WriteInspection(writer, inspection, !asked.request.elsewhere.empty());
  WriteLegacyTables(writer, legacy_tables);
  writer.EndObject();
}

Rehearsal RehearsalIn(Mode mode, const Rehearsals& rehearsals) {
  switch (mode) {
    case Mode::kNft:
      return rehearsals.nft;
    case Mode::kLegacy:
      return rehearsals.legacy;
    case Mode::kNftables:
      return rehearsals.nftables;
  }
  return nullptr;
}

void Rehearse(const Asked& asked, const Place& place, const Backends& backends, Writer& writer) {
  const Rehearsal rehearse = RehearsalIn(asked.request.ruleset.mode, backends.rehearsals);
  if (rehearse == nullptr) Fail(place.Key("op"), "not in this part of the core");
  std::vector<Error> refusals;
  RunInNamespace(asked.netns, [&] { refusals = rehearse(asked.request); });
  writer.StartObject();
  writer.Key("refusals");
  writer.StartArray();
  for (const Error& refusal : refusals) WriteError(writer, refusal);
  writer.EndArray();
  writer.EndObject();
}

// net. and then words, digits and underscores joined by dots: nothing that could leave /proc/sys/net.
void CheckSysctlName(const std::string& name, const Place& place) {
  bool word = false;  // the character before can end a word
  for (const char c : name) {
    const bool letter = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
    if (!letter && !(c == '.' && word)) Fail(place, "not the name of a setting");
    word = letter;
  }
  if (!word || name.rfind("net.", 0) != 0) Fail(place, "not the name of a setting below net");
}

void Sysctl(const Value& document, const Place& place, Writer& writer) {
  const Object request(document, place, {"op", "netns", "name", "value"});
  const std::string netns = request.OptionalPath("netns");
  const std::string name = request.String("name", 128);
  CheckSysctlName(name, request.At("name"));
  const bool writes = request.Optional("value") != nullptr;
  const std::string value = writes ? request.String("value", 128) : "";

  std::string previous;
  RunInNamespace(netns, [&] { previous = writes ? WriteSysctl(name, value) : ReadSysctl(name); });
  writer.StartObject();
  writer.Key(writes ? "previous" : "value");
  json::WriteText(writer, previous);
  writer.EndObject();
}

void Exchange(const Value& document, const Place& place, const Backends& backends, int cancel_descriptor,
              Writer& writer) {
  if (backends.exchange == nullptr) Fail(place.Key("op"), "not in this part of the core");
  const Object object(
      document, place,
      {"op", "netns", "timeoutMs", "listen", "ipv6Only", "connect", "from", "hopLimit", "token"});
  const std::string netns = object.OptionalPath("netns");
  ExchangeRequest request = ReadExchange(object);
  request.cancel_descriptor = cancel_descriptor;
  ExchangeResult result;
  RunInNamespace(netns, [&] { result = backends.exchange(request); });
  WriteExchange(writer, result);
}

void Answer(std::string_view text, const Backends& backends, int cancel_descriptor, Writer& writer,
            Left& left) {
  const json::Document document = json::Parse(text);
  const Place place;
  const std::string op = json::Op(document, place);
  if (op == "commit") return Commit(Asked(document, place, backends), writer, left);
  if (op == "inspect") return Inspect(Asked(document, place, backends), writer);
  if (op == "rehearse") return Rehearse(Asked(document, place, backends), place, backends, writer);
  if (op == "sysctl") return Sysctl(document, place, writer);
  if (op == "exchange") return Exchange(document, place, backends, cancel_descriptor, writer);
  for (const Operation& operation : backends.operations) {
    if (operation.name == op) return operation.answer(document, place, writer);
  }
  Fail(place.Key("op"), "unknown operation");
}

Error Unreported() {
  return Error(ErrorCode::kVerificationFailed, "the rules were sent, but there was no memory to report them");
}

std::string ErrorReply(const Error& error) {
  json::Buffer buffer;
  Writer writer(buffer);
  writer.StartObject();
  writer.Key("error");
  WriteError(writer, error);
  writer.EndObject();
  return {buffer.GetString(), buffer.GetSize()};
}

}  // namespace

Reply Call(std::string_view request, const Backends& backends, int cancel_descriptor) {
  Left left;
  try {
    json::Buffer buffer;
    Writer writer(buffer);
    writer.StartObject();
    writer.Key("ok");
    Answer(request, backends, cancel_descriptor, writer, left);
    writer.EndObject();
    return {{buffer.GetString(), buffer.GetSize()}, std::move(left.connection)};
  } catch (const Error& error) {
    return {ErrorReply(error), nullptr};
  } catch (const SentWithoutMemory&) {
    return {ErrorReply(Unreported()), nullptr};
  } catch (const std::bad_alloc&) {
    return {ErrorReply(left.changed ? Unreported() : OutOfMemory()), nullptr};
  } catch (const std::exception& error) {
    return {ErrorReply(Error(ErrorCode::kSystemCallFailed, error.what())), nullptr};
  }
}

}  // namespace sluice
