// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <string>
#include <string_view>

namespace sluice {

// The bytes as valid UTF-8. What is not becomes U+FFFD, one for each maximal ill-formed part (Unicode 16,
// section 3.9), as Node does, so that both hosts show the same text. QuickJS alone would swallow bytes, and
// let surrogates pass.
std::string ToValidUtf8(std::string_view bytes);

// QuickJS writes a lone surrogate, which a JavaScript string may hold, as three bytes that are not UTF-8.
// Makes each a U+FFFD, which is as long.
void ReplaceSurrogates(std::string& text);

}  // namespace sluice
