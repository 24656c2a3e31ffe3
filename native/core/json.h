// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <rapidjson/document.h>
#include <rapidjson/stringbuffer.h>
#include <rapidjson/writer.h>

#include <cstdint>
#include <cstdlib>
#include <initializer_list>
#include <new>
#include <string>
#include <string_view>

#include "core/error.h"

// Strict reading and writing of the documents of docs/core.md, on RapidJSON.
namespace sluice::json {

// RapidJSON's own allocator gives out null pointers as if they were memory.
class Allocator {
 public:
  static constexpr bool kNeedFree = true;
  static void* Malloc(size_t size) { return size == 0 ? nullptr : Checked(std::malloc(size)); }
  static void* Realloc(void* block, size_t /*size*/, size_t new_size) {
    if (new_size != 0) return Checked(std::realloc(block, new_size));
    std::free(block);
    return nullptr;
  }
  static void Free(void* block) { std::free(block); }

 private:
  static void* Checked(void* block) {
    if (block == nullptr) throw std::bad_alloc();
    return block;
  }
};

using Document =
    rapidjson::GenericDocument<rapidjson::UTF8<>, rapidjson::MemoryPoolAllocator<Allocator>, Allocator>;
using Value = Document::ValueType;
using Buffer = rapidjson::GenericStringBuffer<rapidjson::UTF8<>, Allocator>;
using Writer = rapidjson::Writer<Buffer, rapidjson::UTF8<>, rapidjson::UTF8<>, Allocator>;

// Where in the request a value stands, as a chain of frames on the stack: written out only for an error.
struct Place {
  const Place* parent = nullptr;
  std::string_view key = {};
  size_t index = 0;

  Place Key(std::string_view name) const { return Place{this, name, 0}; }
  Place Item(size_t position) const { return Place{this, {}, position}; }
  std::string Text() const;
};

[[noreturn]] void Fail(const Place& place, const std::string& problem);

// A request: a document that is an object. Throws Error for every other text.
Document Parse(std::string_view text);
// Its member "op".
std::string Op(const Value& document, const Place& place);

// An object that holds no key twice, and none but these.
class Object {
 public:
  Object(const Value& value, const Place& place, std::initializer_list<std::string_view> keys);

  const Value& Required(std::string_view key) const;
  const Value* Optional(std::string_view key) const;  // null when absent
  Place At(std::string_view key) const { return place_.Key(key); }

  std::string String(std::string_view key, size_t longest) const;
  // A path of up to PATH_MAX bytes, not empty; "" when it is absent.
  std::string OptionalPath(std::string_view key) const;
  int64_t Integer(std::string_view key, int64_t least, int64_t most) const;
  bool Boolean(std::string_view key) const;

 private:
  const Value& value_;
  const Place& place_;
};

// Well-formed, without surrogates.
bool IsUtf8(std::string_view text);

// Valid UTF-8 without NUL.
std::string String(const Value& value, const Place& place, size_t longest);
// The same, not empty, and without control characters.
std::string Name(const Value& value, const Place& place, size_t longest);
int64_t Integer(const Value& value, const Place& place, int64_t least, int64_t most);

// Calls `each(item, place)` for the items of an array.
template <typename Each>
void ForEach(const Value& value, const Place& place, Each each) {
  if (!value.IsArray()) Fail(place, "not an array");
  size_t index = 0;
  for (const Value& item : value.GetArray()) {
    each(item, place.Item(index));
    ++index;
  }
}

// Writes text that came from the kernel, which may hold any bytes: what is not UTF-8 becomes U+FFFD.
void WriteText(Writer& writer, std::string_view text);
void WriteKey(Writer& writer, std::string_view key);

}  // namespace sluice::json
