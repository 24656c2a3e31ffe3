// SPDX-License-Identifier: GPL-2.0-or-later
#include "core/exchange.h"

#include <doctest/doctest.h>
#include <rapidjson/document.h>

#include <cerrno>
#include <string>

#include "core/core.h"

namespace sluice {
namespace {

constexpr std::string_view kRequest = R"({"op":"exchange","timeoutMs":5000,
  "listen":{"address":"0.0.0.0","port":4140},"ipv6Only":false,
  "connect":{"address":"192.0.2.2","port":1404},"hopLimit":1,"token":"abc\n"})";

// What the core was asked last, and what it is told.
std::optional<ExchangeRequest> asked;
ExchangeResult answer;

ExchangeResult Note(const ExchangeRequest& request) {
  asked = request;
  return answer;
}

rapidjson::Document Ask(std::string_view request, int cancel_descriptor = -1) {
  asked.reset();
  Backends backends;
  backends.exchange = Note;
  const std::string reply = Call(request, backends, cancel_descriptor).text;
  rapidjson::Document document;
  document.Parse(reply.data(), reply.size());
  REQUIRE_FALSE(document.HasParseError());
  return document;
}

// The request with one part of it replaced.
std::string With(std::string_view from, std::string_view to) {
  std::string text(kRequest);
  const size_t at = text.find(from);
  REQUIRE(at != std::string::npos);
  return text.replace(at, from.size(), to);
}

// The detail of a refusal; empty when it was not one, or the sockets were asked.
std::string Refusal(const std::string& request) {
  const rapidjson::Document reply = Ask(request);
  if (asked || !reply.HasMember("error") || reply["error"]["code"] != "invalid-request") return "";
  return reply["error"]["detail"].GetString();
}

}  // namespace

TEST_CASE("an exchange is read") {
  const auto before = std::chrono::steady_clock::now();
  answer = {};
  Ask(With(R"("hopLimit":1)", R"("hopLimit":255,"from":{"address":"203.0.113.2","port":40000})"), 7);
  REQUIRE(asked.has_value());
  CHECK(asked->deadline >= before + std::chrono::seconds(5));
  CHECK(asked->listen.address == "0.0.0.0");
  CHECK(asked->listen.port == 4140);
  CHECK_FALSE(asked->ipv6_only);
  CHECK(asked->connect.address == "192.0.2.2");
  CHECK(asked->connect.port == 1404);
  CHECK(asked->from->address == "203.0.113.2");
  CHECK(asked->hop_limit == 255);
  CHECK(asked->token == "abc\n");
  CHECK(asked->cancel_descriptor == 7);

  Ask(With(R"("hopLimit":1,)", ""));
  CHECK(asked->hop_limit == 0);
  CHECK_FALSE(asked->from.has_value());
}

TEST_CASE("an exchange that is none is refused, and names the place") {
  CHECK(Refusal(With("4140", "0")) == "listen.port: not between 1 and 65535");
  CHECK(Refusal(With("1404", "65536")) == "connect.port: not between 1 and 65535");
  CHECK(Refusal(With("1404", "\"1404\"")) == "connect.port: not an integer");
  CHECK(Refusal(With("\"192.0.2.2\"", "7")) == "connect.address: not a string");
  CHECK(Refusal(With("192.0.2.2", std::string(46, '1'))) == "connect.address: longer than 45 bytes");
  CHECK(Refusal(With(R"(,"port":4140)", "")) == "listen.port: missing");
  CHECK(Refusal(With(R"("port":4140)", R"("port":4140,"extra":1)")) == "listen: unknown key");
  CHECK(Refusal(With(R"("ipv6Only":false,)", "")) == "ipv6Only: missing");
  CHECK(Refusal(With("false", "0")) == "ipv6Only: not a boolean");
  CHECK(Refusal(With("5000", "-1")) == "timeoutMs: not between 0 and 2147483647");
  CHECK(Refusal(With("5000", "2147483648")) == "timeoutMs: not between 0 and 2147483647");
  CHECK(Refusal(With(R"("hopLimit":1)", R"("hopLimit":0)")) == "hopLimit: not between 1 and 255");
  CHECK(Refusal(With(R"("hopLimit":1)", R"("hopLimit":256)")) == "hopLimit: not between 1 and 255");
  CHECK(Refusal(With(R"(abc\n)", "")) == "token: empty");
  CHECK(Refusal(With(R"(abc\n)", std::string(1025, 'x'))) == "token: longer than 1024 bytes");
  CHECK(Refusal(With(R"("token")", R"("netns":"","token")")) == "netns: empty");
  CHECK(Refusal(With(R"("token")", R"("from":null,"token")")) == "from: not an object");
  CHECK(Refusal(With(R"("token")", R"("more":1,"token")")) == "the request: unknown key");
}

TEST_CASE("a part of the core without sockets refuses an exchange") {
  const std::string reply = Call(kRequest, Backends{}).text;
  CHECK(reply == R"({"error":{"code":"invalid-request","detail":"op: not in this part of the core"}})");
}

TEST_CASE("every outcome has its name") {
  const std::pair<ExchangeOutcome, const char*> names[] = {
      {ExchangeOutcome::kReturned, "returned"},  {ExchangeOutcome::kTaken, "taken"},
      {ExchangeOutcome::kRejected, "rejected"},  {ExchangeOutcome::kTimedOut, "timed-out"},
      {ExchangeOutcome::kNotSent, "not-sent"},   {ExchangeOutcome::kNotListening, "not-listening"},
      {ExchangeOutcome::kNoDevice, "no-device"},
  };
  for (const auto& [outcome, name] : names) {
    answer = {};
    answer.outcome = outcome;
    CHECK(Ask(kRequest)["ok"]["outcome"] == name);
  }
}

TEST_CASE("what is known of an exchange is told, and nothing else") {
  answer = {};
  answer.uid = 4294967294;
  CHECK(Ask(kRequest)["ok"].MemberCount() == 3);

  answer.outcome = ExchangeOutcome::kRejected;
  answer.original = Endpoint{"2001:db8::2", 65535};
  answer.failure = Failure{"connect", EHOSTUNREACH};
  answer.rejecter = "198.51.100.1";
  answer.received = "a\xff\n";
  const auto reply = Ask(kRequest);
  const auto& result = reply["ok"];
  CHECK(result["uid"].GetUint() == 4294967294);
  CHECK(result["originalDestination"]["address"] == "2001:db8::2");
  CHECK(result["originalDestination"]["port"] == 65535);
  CHECK(result["failure"]["syscall"] == "connect");
  CHECK(result["failure"]["errno"] == EHOSTUNREACH);
  CHECK(result["failure"]["name"] == "EHOSTUNREACH");
  CHECK(result["failure"]["reason"] == "No route to host");
  CHECK(result["rejecter"] == "198.51.100.1");
  CHECK(result["received"] == "a\uFFFD\n");
}

}  // namespace sluice
