// SPDX-License-Identifier: GPL-2.0-or-later
#include <doctest/doctest.h>

#include <string>

#include "test/door.h"

using sluice::test::Ask;
using sluice::test::Code;
using sluice::test::kCommit;
using sluice::test::Refuses;

namespace {

std::string With(std::string_view piece, std::string_view replacement) {
  std::string text(kCommit);
  const size_t position = text.find(piece);
  REQUIRE(position != std::string::npos);
  return text.replace(position, piece.size(), replacement);
}

// kCommit whose first rule has this many matches.
std::string WithMatches(size_t count) {
  std::string matches;
  for (size_t i = 0; i < count; ++i) {
    matches += std::string(i == 0 ? "" : ",") + R"({"type": "owner", "uid": 1})";
  }
  std::string text(kCommit);
  const std::string_view opening = R"("comment": "", "matches": [)";
  const size_t start = text.find(opening) + opening.size();
  return text.replace(start, text.find("\n        ]}", start) - start, matches);
}

}  // namespace

TEST_CASE("parts of a request that contradict one another are refused") {
  CHECK(Refuses(With(R"({"family": "ipv6", "name": "nat"})", R"({"family": "ipv4", "name": "other"})")));
  CHECK(Refuses(With(R"(, {"family": "ipv6", "name": "nat"})", "")));
  CHECK(
      Refuses(With(R"({"family": "ipv6", "required": false})", R"({"family": "ipv4", "required": false})")));
  CHECK(Refuses(With(R"("verdict": {"type": "jump", "chain": "OURS"})",
                     R"("verdict": {"type": "jump", "chain": "ELSEWHERE"})")));
  CHECK(Refuses(With(R"("name": "OURS")", R"("name": "OUTPUT")")));
  CHECK(Refuses(With(R"("GONE")", R"("OURS")")));
  CHECK(Refuses(With(R"("families": ["ipv4"], "verdict")", R"("families": [], "verdict")")));
}

TEST_CASE("a rule has at most sixteen matches, for which a message has room") {
  CHECK(Code(Ask(WithMatches(16))).empty());
  CHECK(Refuses(WithMatches(17)));
  CHECK(Refuses(WithMatches(3000)));
}

TEST_CASE("what follows a NUL, a lone surrogate, a control character in a name are refused") {
  CHECK(Refuses(std::string(kCommit) + std::string("\0garbage", 8)));
  CHECK(Refuses(With(R"("comment": "four")", R"("comment": "\udc00")")));
  CHECK(Refuses(With(R"("name": "OUTPUT")", R"("name": "OUT\nPUT")")));
}
