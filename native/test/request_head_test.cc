// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/request_head.h"

#include <doctest/doctest.h>

#include <random>
#include <string>

#include "daemon/page.h"

using sluice::daemon::IsComplete;
using sluice::daemon::kLongestHead;
using sluice::daemon::ParseHead;
using sluice::daemon::RequestHead;
using sluice::daemon::Respond;

TEST_CASE("a request is complete at its empty line, or when it is too long") {
  CHECK_FALSE(IsComplete(""));
  CHECK_FALSE(IsComplete("GET / HTTP/1.1\r\nHost: a\r\n"));
  CHECK(IsComplete("GET / HTTP/1.1\r\nHost: a\r\n\r\n"));
  CHECK(IsComplete("GET / HTTP/1.1\n\n"));
  CHECK_FALSE(IsComplete(std::string(kLongestHead, 'x')));
  CHECK(IsComplete(std::string(kLongestHead + 1, 'x')));
}

TEST_CASE("GET and HEAD name a path, without its query") {
  const RequestHead get = ParseHead("GET /ready?verbose HTTP/1.1\r\n\r\n");
  CHECK(get.refusal == 0);
  CHECK(get.path == "/ready");
  CHECK(get.body_wanted);
  CHECK_FALSE(ParseHead("HEAD / HTTP/1.0\n\n").body_wanted);
}

TEST_CASE("everything else is refused with a status") {
  CHECK(ParseHead("POST /ready HTTP/1.1\r\n\r\n").refusal == 405);
  for (const char* line :
       {"", "GET", "GET /", "GET  HTTP/1.1", "GET / HTTP/2", "G(T / HTTP/1.1", "GET ready HTTP/1.1",
        "GET http://a/ HTTP/1.1", "GET / a HTTP/1.1", " / HTTP/1.1"}) {
    CAPTURE(line);
    CHECK(ParseHead(std::string(line) + "\r\n\r\n").refusal == 400);
  }
  CHECK(ParseHead(std::string(kLongestHead + 1, 'x')).refusal == 431);
}

TEST_CASE("an answer has its length, and no body for HEAD") {
  const sluice::daemon::Pages pages = {{"/ready", {503, "text/plain", "not yet\n"}}};
  const std::string get = Respond(ParseHead("GET /ready HTTP/1.1\r\n\r\n"), pages);
  CHECK(get.find("HTTP/1.1 503 Service Unavailable\r\n") == 0);
  CHECK(get.find("\r\nContent-Length: 8\r\n") != std::string::npos);
  CHECK(get.substr(get.size() - 12) == "\r\n\r\nnot yet\n");
  const std::string head = Respond(ParseHead("HEAD /ready HTTP/1.1\r\n\r\n"), pages);
  CHECK(head == get.substr(0, get.size() - 8));
  CHECK(Respond(ParseHead("GET /other HTTP/1.1\r\n\r\n"), pages).find("HTTP/1.1 404 ") == 0);
  CHECK(Respond(ParseHead("PUT / HTTP/1.1\r\n\r\n"), pages).find("\r\nAllow: GET, HEAD\r\n") !=
        std::string::npos);
}

TEST_CASE("no bytes are too strange") {
  std::mt19937 random(1);
  const std::string alphabet = std::string("GEHTAD /?.1\r\n:\xff") + '\0';
  for (int i = 0; i < 20000; i++) {
    std::string received;
    for (size_t length = random() % 40; length > 0; length--)
      received += alphabet[random() % alphabet.size()];
    const RequestHead head = ParseHead(received);
    const bool known = head.refusal == 0 || head.refusal == 400 || head.refusal == 405 || head.refusal == 431;
    REQUIRE(known);
    if (head.refusal == 0) REQUIRE(head.path.front() == '/');
  }
}
