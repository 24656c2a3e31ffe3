// SPDX-License-Identifier: GPL-2.0-or-later
#include "core/json.h"

#include <rapidjson/error/en.h>

#include <algorithm>
#include <vector>

namespace sluice::json {
namespace {

std::string_view Name(const Value& name) { return {name.GetString(), name.GetStringLength()}; }

// The length of the well-formed UTF-8 sequence at the start of `text`, 0 if there is none (Unicode 15, table
// 3-7).
size_t SequenceLength(std::string_view text) {
  const auto byte = [&](size_t i) { return static_cast<unsigned char>(text[i]); };
  const auto continues = [&](size_t i, unsigned least = 0x80, unsigned most = 0xbf) {
    return i < text.size() && byte(i) >= least && byte(i) <= most;
  };
  const unsigned lead = byte(0);
  if (lead < 0x80) return 1;
  if (lead >= 0xc2 && lead <= 0xdf) return continues(1) ? 2 : 0;
  if (lead >= 0xe0 && lead <= 0xef) {
    const unsigned least = lead == 0xe0 ? 0xa0 : 0x80;
    const unsigned most = lead == 0xed ? 0x9f : 0xbf;
    return continues(1, least, most) && continues(2) ? 3 : 0;
  }
  if (lead >= 0xf0 && lead <= 0xf4) {
    const unsigned least = lead == 0xf0 ? 0x90 : 0x80;
    const unsigned most = lead == 0xf4 ? 0x8f : 0xbf;
    return continues(1, least, most) && continues(2) && continues(3) ? 4 : 0;
  }
  return 0;
}

}  // namespace

std::string Place::Text() const {
  if (parent == nullptr) return "";
  std::string text = parent->Text();
  if (key.data() == nullptr) return text + "[" + std::to_string(index) + "]";
  if (!text.empty()) text += ".";
  return text.append(key);
}

void Fail(const Place& place, const std::string& problem) {
  const std::string where = place.Text();
  throw Error(ErrorCode::kInvalidRequest, (where.empty() ? "the request" : where) + ": " + problem);
}

Document Parse(std::string_view text) {
  Document document;
  // Iterative: a document may nest deeper than the stack is long.
  document.Parse<rapidjson::kParseIterativeFlag | rapidjson::kParseValidateEncodingFlag>(text.data(),
                                                                                         text.size());
  const Place place;
  // RapidJSON takes a NUL for the end.
  if (text.find('\0') != std::string_view::npos) Fail(place, "holds a NUL");
  if (document.HasParseError()) {
    Fail(place, std::string(rapidjson::GetParseError_En(document.GetParseError())) + " (at byte " +
                    std::to_string(document.GetErrorOffset()) + ")");
  }
  if (!document.IsObject()) Fail(place, "not an object");
  return document;
}

std::string Op(const Value& document, const Place& place) {
  constexpr size_t kLongestOp = 32;
  const auto member = document.FindMember("op");
  if (member == document.MemberEnd()) Fail(place.Key("op"), "missing");
  return String(member->value, place.Key("op"), kLongestOp);
}

Object::Object(const Value& value, const Place& place, std::initializer_list<std::string_view> keys)
    : value_(value), place_(place) {
  if (!value.IsObject()) Fail(place, "not an object");
  std::vector<std::string_view> seen;
  seen.reserve(keys.size());
  for (const auto& member : value.GetObject()) {
    const std::string_view name = Name(member.name);
    if (std::find(keys.begin(), keys.end(), name) == keys.end()) Fail(place, "unknown key");
    if (std::find(seen.begin(), seen.end(), name) != seen.end()) Fail(place.Key(name), "given twice");
    seen.push_back(name);
  }
}

const Value* Object::Optional(std::string_view key) const {
  for (const auto& member : value_.GetObject()) {
    if (Name(member.name) == key) return &member.value;
  }
  return nullptr;
}

const Value& Object::Required(std::string_view key) const {
  const Value* value = Optional(key);
  if (value == nullptr) Fail(At(key), "missing");
  return *value;
}

std::string Object::String(std::string_view key, size_t longest) const {
  return json::String(Required(key), At(key), longest);
}

std::string Object::OptionalPath(std::string_view key) const {
  constexpr size_t kLongestPath = 4095;  // PATH_MAX without its NUL
  if (Optional(key) == nullptr) return "";
  std::string path = String(key, kLongestPath);
  if (path.empty()) Fail(At(key), "empty");
  return path;
}

int64_t Object::Integer(std::string_view key, int64_t least, int64_t most) const {
  return json::Integer(Required(key), At(key), least, most);
}

bool Object::Boolean(std::string_view key) const {
  const Value& value = Required(key);
  if (!value.IsBool()) Fail(At(key), "not a boolean");
  return value.GetBool();
}

std::string String(const Value& value, const Place& place, size_t longest) {
  if (!value.IsString()) Fail(place, "not a string");
  std::string text(value.GetString(), value.GetStringLength());
  if (text.size() > longest) Fail(place, "longer than " + std::to_string(longest) + " bytes");
  // The kernel's interfaces end names at a NUL: what follows it would be lost in silence.
  if (text.find('\0') != std::string::npos) Fail(place, "holds a NUL");
  // An escaped lone surrogate, which RapidJSON lets through.
  if (!IsUtf8(text)) Fail(place, "not UTF-8");
  return text;
}

bool IsUtf8(std::string_view text) {
  while (!text.empty()) {
    const size_t length = SequenceLength(text);
    if (length == 0) return false;
    text.remove_prefix(length);
  }
  return true;
}

std::string Name(const Value& value, const Place& place, size_t longest) {
  std::string name = String(value, place, longest);
  if (name.empty()) Fail(place, "empty");
  if (std::any_of(name.begin(), name.end(), [](unsigned char c) { return c < ' ' || c == 0x7f; })) {
    Fail(place, "holds a control character");
  }
  return name;
}

int64_t Integer(const Value& value, const Place& place, int64_t least, int64_t most) {
  if (!value.IsInt64()) Fail(place, "not an integer");
  const int64_t number = value.GetInt64();
  if (number < least || number > most) {
    Fail(place, "not between " + std::to_string(least) + " and " + std::to_string(most));
  }
  return number;
}

void WriteKey(Writer& writer, std::string_view key) {
  writer.Key(key.data(), static_cast<rapidjson::SizeType>(key.size()));
}

void WriteText(Writer& writer, std::string_view text) {
  std::string valid;
  valid.reserve(text.size());
  while (!text.empty()) {
    const size_t length = SequenceLength(text);
    if (length == 0) {
      valid += "\xef\xbf\xbd";
    } else {
      valid += text.substr(0, length);
    }
    text.remove_prefix(std::max<size_t>(length, 1));
  }
  writer.String(valid.data(), static_cast<rapidjson::SizeType>(valid.size()));
}

}  // namespace sluice::json
