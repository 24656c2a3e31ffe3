// SPDX-License-Identifier: GPL-2.0-or-later
#include <doctest/doctest.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <string>
#include <vector>

#include "core/core.h"
#include "look/lines.h"
#include "look/listeners.h"
#include "look/namespaces.h"
#include "look/operations.h"

using sluice::FormatInetAddress;
using sluice::look::Listener;
using sluice::look::ParseListener;

namespace {

std::string Ask(const std::string& request) {
  sluice::Backends backends;
  backends.operations = sluice::look::kOperations;
  return sluice::Call(request, backends).text;
}

bool Refused(const std::string& reply) { return reply.find("\"invalid-request\"") != std::string::npos; }

}  // namespace

TEST_CASE("lines of the kernel's lists of sockets") {
  Listener found{};
  CHECK(ParseListener("   0: 0100007F:102F 00000000:0000 0A 00000000:00000000 00:0 0 2102", AF_INET, found));
  CHECK(FormatInetAddress(found.address) == "127.0.0.1");
  CHECK(found.port == 4143);
  CHECK(found.uid == 2102);
  CHECK(ParseListener(
      "  12: 00000000000000000000000001000000:0050 00000000000000000000000000000000:0000 0A 0:0 0:0 0 7",
      AF_INET6, found));
  CHECK(FormatInetAddress(found.address) == "::1");
  CHECK(found.port == 80);
  CHECK(found.uid == 7);
  // Another state, and what is no line.
  CHECK_FALSE(ParseListener("   1: 0100007F:102F 0100007F:0050 01 0", AF_INET, found));
  for (const char* line :
       {"", " ", "0:", "0: 0100007F", "0: 0100007F:102F", "0: 0100007F:102 00000000:0000 0A",
        "0: 0100007F:10 2F 0A", "0: 0100007G:102F 00000000:0000 0A",
        "0: 00000000000000000000000001000000:0050 0:0 0A",
        "0: 0100007F:102F 00000000:0000 0A 0:0 00:0 0 x"}) {
    CHECK_FALSE(ParseListener(line, AF_INET, found));
  }
}

TEST_CASE("questions about the kernel's extensions") {
  const auto ask = [](const std::string& question) {
    return Ask(R"({"op":"extensions","questions":[)" + question + "]}");
  };
  for (
      const char* question : {
          R"({})",
          R"({"door":"nf_tables","family":"ipv4","kind":"match","name":"owner"})",
          R"({"door":"ebtables","family":"ipv4","kind":"match","name":"owner","revision":1})",
          R"({"door":"nf_tables","family":"inet","kind":"match","name":"owner","revision":1})",
          R"({"door":"nf_tables","family":"ipv4","kind":"watcher","name":"owner","revision":1})",
          R"({"door":"nf_tables","family":"ipv4","kind":"match","name":"owner","revision":256})",
          R"({"door":"nf_tables","family":"ipv4","kind":"match","name":"aaaaaaaaaaaaaaaaaaaaaaaaaaaaa","revision":0})",
      }) {
    CAPTURE(question);
    CHECK(Refused(ask(question)));
  }
  CHECK(ask("") == R"({"ok":{"answers":[]}})");
  // Whatever the rights of who runs this: the kernel has none of that name.
  const std::string none =
      ask(R"({"door":"nf_tables","family":"ipv6","kind":"target","name":"SLUICE","revision":0},)"
          R"({"door":"ip_tables","family":"ipv6","kind":"match","name":"sluice","revision":0})");
  CHECK(none.find("{}") == std::string::npos);
  CHECK(none.find("\"errno\"") != std::string::npos);
}

TEST_CASE("symbols of the kernel") {
  CHECK(Ask(R"({"op":"symbols","names":["sluice_is_no_symbol"]})") == R"({"ok":{"found":[]}})");
  CHECK(Ask(R"({"op":"symbols","names":["sluice_is_no_symbol","schedule","schedule"]})") ==
        R"({"ok":{"found":["schedule"]}})");
  CHECK(Refused(Ask(R"({"op":"symbols","names":[1]})")));
}

TEST_CASE("connection tracking") {
  const std::string reply = Ask(R"({"op":"tracking"})");
  CHECK(reply.find(R"("ipv4":{)") != std::string::npos);
  CHECK(reply.find(R"("ipv6":{)") != std::string::npos);
  CHECK(Refused(Ask(R"({"op":"tracking","netns":"/proc/self/ns/net"})")));
}

TEST_CASE("lines that are longer than the buffer, and a last one without an end") {
  char path[] = "/tmp/sluice-lines-XXXXXX";
  const int file = mkstemp(path);
  REQUIRE(file >= 0);
  const std::string text = std::string(10'000, 'a') + "\n\nlast";
  REQUIRE(write(file, text.data(), text.size()) == static_cast<ssize_t>(text.size()));
  close(file);
  sluice::look::Lines lines(path);
  std::string line;
  CHECK(lines.Next(line));
  CHECK(line == std::string(10'000, 'a'));
  CHECK(lines.Next(line));
  CHECK(line.empty());
  CHECK(lines.Next(line));
  CHECK(line == "last");
  CHECK_FALSE(lines.Next(line));
  CHECK_FALSE(sluice::look::Lines("/no/such/file").valid());
  unlink(path);
}

TEST_CASE("this process is in one of the namespaces") {
  const auto all = sluice::look::ListNamespaces();
  CHECK(std::count_if(all.found.begin(), all.found.end(), [](const auto& each) { return each.own; }) == 1);
  for (const auto& each : all.found) CHECK(each.process_count >= each.processes.size());
}

TEST_CASE("requests are read strictly") {
  CHECK_FALSE(Refused(Ask(R"({"op":"listeners","ports":[],"uids":[]})")));
  CHECK_FALSE(Refused(Ask(R"({"op":"route","destination":"127.0.0.1"})")));
  CHECK_FALSE(Refused(Ask(R"({"op":"listeners","ports":[],"uids":[4294967294]})")));
  CHECK_FALSE(Refused(Ask(R"({"op":"namespaces"})")));
  for (const char* request : {
           R"({"op":"listeners","uids":[]})",
           R"({"op":"listeners","ports":[65536],"uids":[]})",
           R"({"op":"listeners","ports":["80"],"uids":[]})",
           R"({"op":"listeners","ports":[],"uids":[],"netns":""})",
           R"({"op":"listeners","ports":[],"uids":[],"bogus":1})",
           R"({"op":"listeners","ports":[]})",
           R"({"op":"listeners","ports":[],"uids":[4294967295]})",
           R"({"op":"route"})",
           R"({"op":"route","destination":"10.0.0.0/8"})",
           R"({"op":"route","destination":1})",
           R"({"op":"namespaces","netns":"/x"})",
           R"({"op":"look"})",
       }) {
    CAPTURE(request);
    CHECK(Refused(Ask(request)));
  }
}

TEST_CASE("a probe is read strictly, before anything is opened") {
  const std::string out =
      R"({"op":"probe","netns":"/no/such","direction":"out","timeoutMs":0,"address":"127.0.0.1","port":1,"hopLimit":1})";
  const std::string in =
      R"({"op":"probe","netns":"/no/such","direction":"in","timeoutMs":0,"port":1,"from":"192.0.2.1","fromPort":1})";
  const auto with = [](std::string text, const std::string& from, const std::string& to) {
    REQUIRE(text.find(from) != std::string::npos);
    return text.replace(text.find(from), from.size(), to);
  };
  // What is right comes as far as the namespace.
  for (const std::string& request : {out, in}) {
    CHECK(Ask(request).find(R"({"error":{"code":"namespace")") == 0);
  }
  for (const std::string& request : {
           with(out, R"("out")", R"("up")"),
           with(out, R"("out")", "1"),
           with(out, R"("port":1)", R"("port":0)"),
           with(out, R"("port":1,)", ""),
           with(out, R"("address":"127.0.0.1",)", ""),
           with(out, "127.0.0.1", "127.0.0.1/8"),
           with(out, R"("timeoutMs":0)", R"("timeoutMs":-1)"),
           with(out, R"("hopLimit":1)", R"("hopLimit":0)"),
           with(out, R"("hopLimit":1)", R"("hopLimit":256)"),
           with(out, R"("hopLimit":1)", R"("uid":4294967295)"),
           with(out, R"("hopLimit":1)", R"("gid":-1)"),
           with(out, R"("hopLimit":1)", R"("from":"::1")"),
           with(out, R"("hopLimit":1)", R"("bogus":1)"),
           with(in, R"("from":"192.0.2.1",)", ""),
           with(in, R"(,"fromPort":1)", ""),
           with(in, R"("fromPort":1)", R"("fromPort":65536)"),
           with(in, R"("port")", R"("address":"::1","port")"),
       }) {
    CAPTURE(request);
    CHECK(Refused(Ask(request)));
  }
}
