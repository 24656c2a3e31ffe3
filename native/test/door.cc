// SPDX-License-Identifier: GPL-2.0-or-later
#include "test/door.h"

#include <doctest/doctest.h>

namespace sluice::test {
namespace {

FakeBackend backend;

CommitResult Commit(const RulesetRequest& request) {
  backend.requests.push_back(request);
  return backend.answer == nullptr ? CommitResult{} : backend.answer(request);
}

Inspection Inspect(const RulesetRequest& request) { return Commit(request); }

constexpr sluice::Backend kFake = {Commit, Inspect};

}  // namespace

const std::string_view kCommit = R"({
  "op": "commit",
  "timeoutMs": 5000,
  "families": [{"family": "ipv4", "required": true}, {"family": "ipv6", "required": false}],
  "ruleset": {
    "mode": "nft",
    "tables": [{"family": "ipv4", "name": "nat"}, {"family": "ipv6", "name": "nat"}],
    "baseChains": [
      {"name": "OUTPUT", "hook": "output", "type": "nat", "priority": -100, "jumps": [
        {"families": ["ipv4", "ipv6"], "matches": [], "verdict": {"type": "jump", "chain": "OURS"}, "comment": "in"}
      ]}
    ],
    "chains": [
      {"name": "OURS", "rules": [
        {"families": ["ipv4", "ipv6"], "verdict": {"type": "return"}, "comment": "", "matches": [
          {"type": "protocol", "protocol": "tcp"},
          {"type": "owner", "uid": 2102, "gid": 4294967294},
          {"type": "outInterface", "name": "lo"},
          {"type": "inInterface", "name": "eth+"},
          {"type": "destinationPort", "ports": {"first": 80, "last": 90}},
          {"type": "multiport", "ports": [{"first": 0, "last": 0}, {"first": 1, "last": 65535}]}
        ]},
        {"families": ["ipv4"], "verdict": {"type": "accept"}, "comment": "four", "matches": [
          {"type": "source", "subnet": {"family": "ipv4", "address": "10.0.0.0", "prefixLength": 8}}
        ]},
        {"families": ["ipv6"], "verdict": {"type": "redirect", "port": 4140}, "comment": "six", "matches": [
          {"type": "destination", "subnet": {"family": "ipv6", "address": "2001:db8::", "prefixLength": 32}}
        ]}
      ]}
    ],
    "sets": [],
    "absentChains": ["GONE"]
  }
})";

FakeBackend& Backend() { return backend; }
void ResetBackend() { backend = {}; }

rapidjson::Document Ask(std::string_view request) {
  Backends backends;
  backends.nft = backends.legacy = &kFake;
  const std::string text = Call(request, backends).text;
  rapidjson::Document reply;
  reply.Parse<rapidjson::kParseIterativeFlag | rapidjson::kParseValidateEncodingFlag>(text.data(),
                                                                                      text.size());
  CAPTURE(text);
  REQUIRE_FALSE(reply.HasParseError());
  REQUIRE(reply.IsObject());
  REQUIRE(reply.MemberCount() == 1);
  if (reply.HasMember("error")) {
    const auto& error = reply["error"];
    REQUIRE(error.IsObject());
    REQUIRE(error.HasMember("code"));
    REQUIRE(error["code"].IsString());
    REQUIRE(error.HasMember("detail"));
    REQUIRE(error["detail"].IsString());
    REQUIRE(error["detail"].GetStringLength() > 0);
  } else {
    REQUIRE(reply.HasMember("ok"));
    REQUIRE(reply["ok"].IsObject());
  }
  return reply;
}

std::string Code(const rapidjson::Document& reply) {
  return reply.HasMember("error") ? reply["error"]["code"].GetString() : "";
}

std::string Detail(const rapidjson::Document& reply) {
  REQUIRE(reply.HasMember("error"));
  return reply["error"]["detail"].GetString();
}

bool Refuses(std::string_view request) {
  const size_t before = backend.requests.size();
  return Code(Ask(request)) == "invalid-request" && backend.requests.size() == before;
}

}  // namespace sluice::test
