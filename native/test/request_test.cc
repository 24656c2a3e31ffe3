// SPDX-License-Identifier: GPL-2.0-or-later
#include <doctest/doctest.h>

#include <chrono>
#include <initializer_list>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "test/door.h"

using sluice::test::Ask;
using sluice::test::Backend;
using sluice::test::Code;
using sluice::test::Detail;
using sluice::test::kCommit;
using sluice::test::Refuses;
using sluice::test::ResetBackend;

namespace {

// kCommit with one piece of its text replaced by another.
std::string With(std::string_view piece, std::string_view replacement) {
  std::string text(kCommit);
  const size_t position = text.find(piece);
  REQUIRE(position != std::string::npos);
  return text.replace(position, piece.size(), replacement);
}

std::string Repeated(std::string_view piece, size_t times) {
  std::string text;
  for (size_t i = 0; i < times; ++i) text += piece;
  return text;
}

}  // namespace

TEST_CASE("a commit reaches the back end as it was written") {
  ResetBackend();
  const auto before = std::chrono::steady_clock::now();
  CHECK(Code(Ask(kCommit)).empty());
  REQUIRE(Backend().requests.size() == 1);
  const sluice::RulesetRequest& request = Backend().requests[0];

  CHECK(request.deadline >= before + std::chrono::seconds(5));
  REQUIRE(request.families.size() == 2);
  CHECK(request.families[0].required);
  CHECK_FALSE(request.families[1].required);
  CHECK(request.families[1].family == sluice::Family::kIpv6);

  const sluice::Ruleset& ruleset = request.ruleset;
  REQUIRE(ruleset.base_chains.size() == 1);
  CHECK(ruleset.base_chains[0].hook == sluice::Hook::kOutput);
  CHECK(ruleset.base_chains[0].priority == -100);
  REQUIRE(ruleset.chains.size() == 1);
  CHECK(ruleset.absent_chains == std::vector<std::string>{"GONE"});

  const auto& rules = ruleset.chains[0].rules;
  REQUIRE(rules.size() == 3);
  REQUIRE(rules[0].matches.size() == 6);
  const auto& owner = std::get<sluice::OwnerMatch>(rules[0].matches[1]);
  CHECK(owner.uid == 2102U);
  CHECK(owner.gid == 4294967294U);
  CHECK(std::get<sluice::InterfaceMatch>(rules[0].matches[2]).out);
  CHECK_FALSE(std::get<sluice::InterfaceMatch>(rules[0].matches[3]).out);
  CHECK(std::get<sluice::MultiportMatch>(rules[0].matches[5]).ports[1].last == 65535);
  CHECK(rules[1].In(sluice::Family::kIpv4));
  CHECK_FALSE(rules[1].In(sluice::Family::kIpv6));
  const auto& subnet = std::get<sluice::SubnetMatch>(rules[2].matches[0]);
  CHECK(subnet.destination);
  CHECK(subnet.subnet.address[3] == 0xb8);
  CHECK(subnet.subnet.prefix_length == 32);
  CHECK(std::get<sluice::RedirectVerdict>(rules[2].verdict).port == 4140);
  CHECK(rules[2].comment == "six");
}

TEST_CASE("a refusal names the place") {
  CHECK(Detail(Ask(With("4140", "65536"))) ==
        "ruleset.chains[0].rules[2].verdict.port: not between 0 and 65535");
  CHECK(Detail(Ask(With(R"("required": false)", R"("required": 0)"))) ==
        "families[1].required: not a boolean");
  CHECK(Detail(Ask(With(R"("priority": -100, )", ""))) == "ruleset.baseChains[0].priority: missing");
  CHECK(Detail(Ask("[]")) == "the request: not an object");
}

TEST_CASE("values out of range are refused") {
  for (const auto& change : std::initializer_list<std::pair<const char*, const char*>>{
           {"5000", "-1"},
           {"5000", "2147483648"},
           {"5000", "5000.0"},
           {"5000", "5e3"},
           {"5000", "1e400"},
           {"5000", "18446744073709551616"},
           {"5000", "-9223372036854775809"},
           {"-100", "-2147483649"},
           {"-100", "2147483648"},
           {"2102", "-1"},
           {"2102", "4294967295"},
           {"4294967294", "4294967295"},
           {R"("uid": 2102, "gid": 4294967294)", ""},
           {R"({"type": "owner", "uid": 2102, "gid": 4294967294})", R"({"type": "owner"})"},
           {R"("first": 80, "last": 90)", R"("first": 90, "last": 80)"},
           {R"("first": 80, "last": 90)", R"("first": 80, "last": 65536)"},
           {R"([{"first": 0, "last": 0}, {"first": 1, "last": 65535}])", "[]"},
           {"4140", "-1"},
           {"10.0.0.0", "10.0.0.1"},
           {"10.0.0.0", "10.0.0"},
           {"10.0.0.0", "010.0.0.0"},
           {"10.0.0.0", "::"},
           {"10.0.0.0", " 10.0.0.0"},
           {"2001:db8::", "2001:db8::%lo"},
           {"2001:db8::", "2001:db8::1"},
           {R"("prefixLength": 8)", R"("prefixLength": 33)"},
           {R"("prefixLength": 8)", R"("prefixLength": -1)"},
           {R"("prefixLength": 32)", R"("prefixLength": 129)"},
           {R"("name": "lo")", R"("name": "")"},
           {R"("name": "lo")", R"("name": "sixteen-letters-")"},
           {R"("name": "lo")", R"("name": "l\u0000o")"},
           {R"("name": "OURS")", R"("name": "a-name-of-twenty-nine-letters")"},
           {R"("name": "nat")", R"("name": "")"},
           {R"("chain": "OURS")", R"("chain": "")"},
           {R"("GONE")", R"("")"},
           {R"("GONE")", "null"},
           {R"("protocol": "tcp")", R"("protocol": "sctp")"},
           {R"("hook": "output")", R"("hook": "input")"},
           {R"("type": "nat")", R"("type": "filter")"},
           {R"("mode": "nft")", R"("mode": "auto")"},
           {R"({"type": "return"})", R"({"type": "drop"})"},
           {R"({"type": "return"})", R"({"type": "return", "port": 1})"},
           {R"({"type": "jump", "chain": "OURS"})", R"({"type": "return"})"},
           {R"({"family": "ipv4", "required": true})", R"({"family": "inet", "required": true})"},
           {R"("op": "commit")", R"("op": "flush")"},
           {R"("families": ["ipv4"], "verdict": {"type": "accept"})",
            R"("families": ["ipv6"], "verdict": {"type": "accept"})"},
       }) {
    CAPTURE(change.first);
    CAPTURE(change.second);
    CHECK(Refuses(With(change.first, change.second)));
  }
}

TEST_CASE("multiport has 15 slots, and a range takes two") {
  const std::string_view ports = R"({"first": 0, "last": 0}, {"first": 1, "last": 65535})";
  const std::string single = R"({"first": 7, "last": 7})";
  CHECK(Code(Ask(With(ports, Repeated(single + ",", 14) + single))).empty());
  CHECK(Refuses(With(ports, Repeated(single + ",", 15) + single)));
  CHECK(Code(Ask(With(ports, Repeated(single + ",", 13) + R"({"first": 7, "last": 8})"))).empty());
  CHECK(Refuses(With(ports, Repeated(single + ",", 14) + R"({"first": 7, "last": 8})")));
}

TEST_CASE("a comment is at most 255 bytes long") {
  CHECK(Code(Ask(With("four", std::string(255, 'c')))).empty());
  CHECK(Refuses(With("four", std::string(256, 'c'))));
  CHECK(Code(Ask(With("four", Repeated("\u00e9", 127)))).empty());
  CHECK(Refuses(With("four", Repeated("\u00e9", 128))));
}

namespace {

// A request of the mode nftables with these sets and these matches.
std::string Native(const std::string& sets, const std::string& matches, const std::string& family = "inet",
                   const std::string& mode = "nftables") {
  return R"({"op": "inspect", "timeoutMs": 0, "families": [{"family": "ipv6", "required": true}],
    "ruleset": {"mode": ")" +
         mode + R"(", "tables": [{"family": ")" + family + R"(", "name": "sluice"}], "sets": [)" + sets +
         R"(], "baseChains": [], "absentChains": [], "chains": [{"name": "outbound", "rules": [
      {"families": ["ipv6"], "verdict": {"type": "return"}, "comment": "", "matches": [)" +
         matches + "]}]}]}}";
}

std::string PortSet(const std::string& elements) {
  return R"({"name": "ports", "type": "ports", "elements": [)" + elements + "]}";
}

std::string Range(const std::string& first, const std::string& last) {
  return "{\"first\": " + first + ", \"last\": " + last + "}";
}

}  // namespace

TEST_CASE("in the mode nftables a comment is at most 253 bytes long") {
  const auto commented = [](size_t length) {
    std::string text = Native("", "");
    const std::string_view empty = R"("comment": "")";
    return text.replace(text.find(empty), empty.size(), "\"comment\": \"" + std::string(length, 'c') + '"');
  };
  CHECK(Code(Ask(commented(253))) == "mode-unavailable");
  CHECK(Refuses(commented(254)));
}

TEST_CASE("a set of one family in a rule of the other, or of both, is refused") {
  const std::string set = R"({"name": "six", "type": "ipv6", "elements": []})";
  std::string text = Native(set, R"({"type": "destinationSet", "family": "ipv6", "set": "six"})");
  CHECK(Code(Ask(text)) == "mode-unavailable");
  const std::string_view families = R"({"families": ["ipv6"])";
  for (const std::string other : {R"({"families": ["ipv4", "ipv6"])", R"({"families": ["ipv4"])"}) {
    std::string changed = text;
    CHECK(Refuses(changed.replace(changed.find(families), families.size(), other)));
  }
}

TEST_CASE("the mode nftables has a table") {
  CHECK(Refuses(R"({"op": "inspect", "timeoutMs": 0, "families": [], "ruleset": {"mode": "nftables",
    "tables": [], "sets": [], "baseChains": [], "chains": [], "absentChains": []}})"));
}

TEST_CASE("a request for a mode that is not linked in") {
  CHECK(Code(Ask(Native("", ""))) == "mode-unavailable");
}

TEST_CASE("each mode has its own words") {
  const std::string set = PortSet(Range("1", "2"));
  const std::string look_up = R"({"type": "portSet", "set": "ports"})";
  CHECK(Code(Ask(Native(set, look_up + R"(, {"type": "newConnection"})"))) == "mode-unavailable");
  CHECK(Refuses(Native("", look_up)));
  CHECK(Refuses(Native(set, R"({"type": "sourceSet", "family": "ipv6", "set": "ports"})")));
  CHECK(Refuses(Native(set + "," + set, "")));
  CHECK(Refuses(Native("", R"({"type": "multiport", "ports": [{"first": 1, "last": 1}]})")));
  CHECK(Refuses(Native("", "", "ipv6")));
  CHECK(Refuses(Native("", "", "inet", "nft")));
  CHECK(Refuses(Native(set, "", "ipv6", "nft")));
  CHECK(Refuses(Native("", R"({"type": "newConnection"})", "ipv6", "nft")));
  CHECK(Code(Ask(Native("", "", "ipv6", "nft"))).empty());
  const std::string addresses =
      R"({"name": "six", "type": "ipv6", "elements": [{"first": "::", "last": "fd00::"}]})";
  CHECK(Code(Ask(Native(addresses, R"({"type": "destinationSet", "family": "ipv6", "set": "six"})"))) ==
        "mode-unavailable");
  CHECK(Refuses(Native(addresses, R"({"type": "destinationSet", "family": "ipv4", "set": "six"})")));
}

TEST_CASE("the elements of a set are in order, with gaps") {
  const auto code = [](const std::string& elements) { return Code(Ask(Native(PortSet(elements), ""))); };
  CHECK(code("") == "mode-unavailable");
  CHECK(code(Range("0", "65535")) == "mode-unavailable");
  CHECK(code(Range("0", "0") + "," + Range("2", "2") + "," + Range("65535", "65535")) == "mode-unavailable");
  for (const std::string& wrong : {
           Range("2", "1"),
           Range("0", "65536"),
           Range("-1", "0"),
           Range("1", "1") + "," + Range("2", "2"),
           Range("1", "5") + "," + Range("3", "9"),
           Range("5", "6") + "," + Range("1", "2"),
           Range("0", "65535") + "," + Range("0", "0"),
           Range("\"1\"", "2"),
       }) {
    CAPTURE(wrong);
    CHECK(code(wrong) == "invalid-request");
  }
}

TEST_CASE("the mode legacy needs the name of the lock's file") {
  const auto legacy = [](const std::string& lock_file) {
    std::string text = With("\"nft\"", "\"legacy\"");
    return text.insert(text.find(R"("op")"), lock_file);
  };
  ResetBackend();
  CHECK(Code(Ask(legacy(R"("lockFile": "/run/xtables.lock", )"))).empty());
  REQUIRE(Backend().requests.size() == 1);
  CHECK(Backend().requests[0].lock_file == "/run/xtables.lock");
  CHECK(Refuses(legacy("")));
  for (const std::string json : {"null", "7", R"("")", R"("/run/xtables\u0000.lock")"}) {
    CHECK(Refuses(legacy(R"("lockFile": )" + json + ", ")));
  }
  CHECK(Refuses(legacy(R"("lockFile": ")" + std::string(4096, 'x') + R"(", )")));
}

TEST_CASE("inspect takes what commit takes, and says which legacy tables there are") {
  ResetBackend();
  const auto reply = Ask(With(R"("commit")", R"("inspect")"));
  REQUIRE(Code(reply).empty());
  CHECK(Backend().requests.size() == 1);
  const auto& ok = reply["ok"];
  CHECK_FALSE(ok.HasMember("changed"));
  CHECK(ok["families"].Empty());
  CHECK(ok["unseen"].Empty());
  REQUIRE(ok["legacyTables"].Size() == 2);
  CHECK(ok["legacyTables"][0]["family"] == "ipv4");
  CHECK(Refuses(With(R"("commit")", R"("inspect", "policy": {})")));
}

TEST_CASE("a network namespace that is none") {
  ResetBackend();
  const auto with_netns = [](const std::string& json) {
    return With(R"("op")", R"("netns": )" + json + R"(, "op")");
  };
  for (const std::string json : {"null", "7", R"("")", R"("/proc/self\u0000/ns/net")"}) {
    CAPTURE(json);
    CHECK(Refuses(with_netns(json)));
  }
  CHECK(Refuses(with_netns('"' + std::string(4096, '/') + '"')));
  for (const std::string path : {"/nonexistent", "/", "/dev/null", "/proc/self/ns/mnt"}) {
    CAPTURE(path);
    CHECK(Code(Ask(with_netns('"' + path + '"'))) == "namespace");
  }
  CHECK(Backend().requests.empty());
}

TEST_CASE("a sysctl below net, and no other") {
  for (const std::string name :
       {"", "net", "net.", ".net.core", "net..core", "kernel.panic", "net/core/somaxconn", "net.core.",
        "net.Core.x", "net.../../kernel/panic", "net.core.some max", "net.core.x\\u0000", "network.core"}) {
    CAPTURE(name);
    CHECK(Refuses(R"({"op":"sysctl","name":")" + name + R"(","value":"1"})"));
  }
  CHECK(Refuses(R"({"op":"sysctl","name":"net.)" + std::string(125, 'x') + R"(","value":"1"})"));
  CHECK(Refuses(R"({"op":"sysctl","name":"net.sluice.absent","value":1})"));
  CHECK(Refuses(R"({"op":"sysctl","name":"net.sluice.absent","value":")" + std::string(129, '1') + "\"}"));
  CHECK(Code(Ask(R"({"op":"sysctl","name":"net.sluice.absent"})")) == "sysctl");  // is only read
  CHECK(Code(Ask(R"({"op":"sysctl","name":"net.sluice.absent","value":"1"})")) == "sysctl");
}
