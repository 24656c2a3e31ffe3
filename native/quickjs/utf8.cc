// SPDX-License-Identifier: GPL-2.0-or-later
#include "quickjs/utf8.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>

namespace sluice {
namespace {

constexpr std::string_view kReplacement = "\xEF\xBF\xBD";  // U+FFFD

struct Sequence {
  size_t length;  // of the well-formed sequence, or of the maximal ill-formed part; at least 1
  bool valid;
};

// Table 3-7 of the Unicode standard: how long a lead byte's sequence is, and what its second byte may be.
Sequence ReadSequence(std::string_view bytes) {
  const auto lead = static_cast<uint8_t>(bytes[0]);
  size_t length;
  uint8_t low = 0x80, high = 0xBF;
  if (lead < 0x80) {
    return {1, true};
  } else if (lead >= 0xC2 && lead <= 0xDF) {
    length = 2;
  } else if ((lead & 0xF0) == 0xE0) {
    length = 3;
    if (lead == 0xE0) low = 0xA0;   // overlong
    if (lead == 0xED) high = 0x9F;  // surrogates
  } else if (lead >= 0xF0 && lead <= 0xF4) {
    length = 4;
    if (lead == 0xF0) low = 0x90;   // overlong
    if (lead == 0xF4) high = 0x8F;  // above U+10FFFF
  } else {
    return {1, false};
  }
  for (size_t i = 1; i < length; i++) {
    if (i == bytes.size()) return {i, false};
    const auto byte = static_cast<uint8_t>(bytes[i]);
    if (byte < low || byte > high) return {i, false};
    low = 0x80;
    high = 0xBF;
  }
  return {length, true};
}

}  // namespace

std::string ToValidUtf8(std::string_view bytes) {
  std::string text;
  text.reserve(bytes.size());
  while (!bytes.empty()) {
    const Sequence sequence = ReadSequence(bytes);
    text += sequence.valid ? bytes.substr(0, sequence.length) : kReplacement;
    bytes.remove_prefix(sequence.length);
  }
  return text;
}

void ReplaceSurrogates(std::string& text) {
  for (size_t at = text.find('\xED'); at != std::string::npos && at + 2 < text.size();
       at = text.find('\xED', at + 1)) {
    if (static_cast<uint8_t>(text[at + 1]) < 0xA0) continue;
    std::copy(kReplacement.begin(), kReplacement.end(), text.begin() + static_cast<std::ptrdiff_t>(at));
  }
}

}  // namespace sluice
