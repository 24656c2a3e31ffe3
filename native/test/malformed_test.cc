// SPDX-License-Identifier: GPL-2.0-or-later
#include <doctest/doctest.h>
#include <rapidjson/document.h>
#include <rapidjson/pointer.h>
#include <rapidjson/stringbuffer.h>
#include <rapidjson/writer.h>

#include <algorithm>
#include <functional>
#include <initializer_list>
#include <string>
#include <vector>

#include "test/door.h"

using rapidjson::Document;
using rapidjson::Pointer;
using rapidjson::Value;
using sluice::test::Ask;
using sluice::test::Code;
using sluice::test::kCommit;
using sluice::test::Refuses;

namespace {

std::string Text(const Value& value) {
  rapidjson::StringBuffer buffer;
  rapidjson::Writer<rapidjson::StringBuffer> writer(buffer);
  value.Accept(writer);
  return {buffer.GetString(), buffer.GetSize()};
}

// Every value of a document, with its place.
void Visit(const Value& value, const Pointer& place,
           const std::function<void(const Value&, const Pointer&)>& visit) {
  visit(value, place);
  if (value.IsObject()) {
    for (const auto& member : value.GetObject()) {
      Visit(member.value, place.Append(member.name.GetString(), member.name.GetStringLength()), visit);
    }
  } else if (value.IsArray()) {
    for (rapidjson::SizeType i = 0; i < value.Size(); ++i) Visit(value[i], place.Append(i), visit);
  }
}

std::string Name(const Pointer& place) {
  rapidjson::StringBuffer buffer;
  place.Stringify(buffer);
  return {buffer.GetString(), buffer.GetSize()};
}

Document Parsed(std::string_view text) {
  Document document;
  document.Parse(text.data(), text.size());
  REQUIRE_FALSE(document.HasParseError());
  return document;
}

// Changes kCommit in every place of it, one at a time.
void ForEachPlace(const std::function<void(Document& changed, const Pointer& place)>& change) {
  const Document original = Parsed(kCommit);
  Visit(original, Pointer(), [&](const Value&, const Pointer& place) {
    Document changed;
    changed.CopyFrom(original, changed.GetAllocator());
    CAPTURE(Name(place));
    change(changed, place);
  });
}

const char* const kOfEveryType[] = {"null", "true",  "false",    "-1", "1.5", "1e308", "9223372036854775808",
                                    "\"\"", "\"x\"", "\"ipv4\"", "[]", "{}",  "[[]]",  "{\"type\":{}}"};

bool SameType(const Value& a, const Value& b) {
  return a.GetType() == b.GetType() || (a.IsBool() && b.IsBool());
}

}  // namespace

TEST_CASE("a value of another type is refused, wherever it stands") {
  ForEachPlace([](Document& changed, const Pointer& place) {
    const Document original = Parsed(Text(changed));
    for (const char* text : kOfEveryType) {
      const Document other = Parsed(text);
      if (SameType(*place.Get(original), other)) continue;
      place.Set(changed, Value(other, changed.GetAllocator()));
      CAPTURE(text);
      CHECK(Refuses(Text(changed)));
    }
  });
}

TEST_CASE("an unknown key is refused in every object") {
  ForEachPlace([](Document& changed, const Pointer& place) {
    Value& value = *place.Get(changed);
    if (!value.IsObject()) return;
    value.AddMember("extra", 1, changed.GetAllocator());
    CHECK(Refuses(Text(changed)));
  });
}

TEST_CASE("a key given twice is refused in every object") {
  ForEachPlace([](Document& changed, const Pointer& place) {
    Value& value = *place.Get(changed);
    if (!value.IsObject()) return;
    const auto first = value.MemberBegin();
    value.AddMember(Value(first->name, changed.GetAllocator()), Value(first->value, changed.GetAllocator()),
                    changed.GetAllocator());
    CHECK(Refuses(Text(changed)));
  });
}

TEST_CASE("a missing key is refused in every object") {
  const Document original = Parsed(kCommit);
  const std::vector<std::string> optional = {"uid", "gid"};  // one of the two may be absent
  Visit(original, Pointer(), [&](const Value& value, const Pointer& place) {
    if (!value.IsObject()) return;
    for (const auto& member : value.GetObject()) {
      const std::string key = member.name.GetString();
      if (std::find(optional.begin(), optional.end(), key) != optional.end()) continue;
      Document changed;
      changed.CopyFrom(original, changed.GetAllocator());
      place.Get(changed)->RemoveMember(key.c_str());
      CAPTURE(Name(place));
      CAPTURE(key);
      CHECK(Refuses(Text(changed)));
    }
  });
}

TEST_CASE("a document that ends early is refused, wherever it ends") {
  for (size_t length = 0; length < kCommit.size(); ++length) {
    CAPTURE(length);
    // A copy of its own, so that AddressSanitizer sees a read behind the end.
    CHECK(Refuses(std::string(kCommit.substr(0, length))));
  }
}

TEST_CASE("a document with one other byte never does harm") {
  for (const char byte : {'\0', '"', '{', ']', ',', '9', '-', '\\', '\x80', '\xff'}) {
    for (size_t i = 0; i < kCommit.size(); ++i) {
      std::string text(kCommit);
      text[i] = byte;
      const std::string code = Code(Ask(text));
      CAPTURE(i);
      CHECK((code.empty() || code == "invalid-request"));
    }
  }
}

TEST_CASE("nothing may follow the document") {
  for (const std::string& end :
       {std::string("x"), std::string("{}"), std::string(1, '\0'), std::string("\0{}", 3)}) {
    CHECK(Refuses(std::string(kCommit) + end));
  }
}

TEST_CASE("deep nesting does not use up the stack") {
  for (const std::string open : {"[", "{\"op\":", "{\"ruleset\":{\"chains\":["}) {
    std::string text;
    for (int i = 0; i < 1'000'000; ++i) text += open;
    CHECK(Refuses(text));
  }
  CHECK(Refuses(std::string(1'000'000, '[') + std::string(1'000'000, ']')));
  std::string inside(kCommit);
  const std::string_view place = R"(["GONE"])";
  inside.replace(inside.find(place), place.size(), std::string(1'000'000, '[') + std::string(1'000'000, ']'));
  CHECK(Refuses(inside));
}

TEST_CASE("text that is not UTF-8 is refused") {
  const std::string_view place = "four";
  for (const std::string bytes :
       {"\xff", "\x80", "\xc3", "\xc0\xaf", "\xe0\x80\xaf", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\\ud800",
        "\\ud800\\ud800", "\\udc00", "\\ud83dx", "\n", "\x01", "\\x41", "\\u12"}) {
    std::string text(kCommit);
    text.replace(text.find(place), place.size(), bytes);
    CAPTURE(bytes);
    CHECK(Refuses(text));
  }
  CHECK(Refuses("{\"\xff\":1}"));
  CHECK(Refuses("\xef\xbb\xbf{}"));
}

TEST_CASE("what is no JSON is refused") {
  for (const char* text :
       {"", " ", "nul", "nan", "Infinity", "{", "}", "{]", "{\"op\"}", "{\"op\":}", "{'op':1}", "{,}",
        "{\"op\":\"commit\",}", "{\"op\":01}", "{\"op\":+1}", "/**/{}", "\"op\"", "1", "null"}) {
    CAPTURE(text);
    CHECK(Refuses(text));
  }
}
