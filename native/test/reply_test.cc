// SPDX-License-Identifier: GPL-2.0-or-later
#include <doctest/doctest.h>

#include <cerrno>
#include <chrono>
#include <new>
#include <stdexcept>
#include <string>

#include "core/error.h"
#include "test/door.h"

using sluice::CommitResult;
using sluice::RulesetRequest;
using sluice::test::Ask;
using sluice::test::Backend;
using sluice::test::Code;
using sluice::test::kCommit;
using sluice::test::ResetBackend;

TEST_CASE("an error of the back end is told with all that is known of it") {
  ResetBackend();
  Backend().answer = [](const RulesetRequest&) -> CommitResult {
    sluice::Error error(sluice::ErrorCode::kRefused, "cannot add the rule");
    error.error_number = EINVAL;
    error.syscall = "sendto";
    error.family = sluice::Family::kIpv6;
    error.table = "nat";
    error.chain = "OURS";
    error.rule = 0;
    error.part = "match owner";
    error.set = "ports";
    throw error;
  };
  const auto reply = Ask(kCommit);
  const auto& error = reply["error"];
  CHECK(error["code"] == "refused");
  CHECK(error["detail"] == "cannot add the rule");
  CHECK(error["errno"] == EINVAL);
  CHECK(error["name"] == "EINVAL");
  CHECK(error["reason"] == "Invalid argument");
  CHECK(error["syscall"] == "sendto");
  CHECK(error["family"] == "ipv6");
  CHECK(error["table"] == "nat");
  CHECK(error["chain"] == "OURS");
  CHECK(error["rule"] == 0);
  CHECK(error["part"] == "match owner");
  CHECK(error["set"] == "ports");
}

TEST_CASE("an error holds only what applies") {
  const auto reply = Ask("{}");
  CHECK(reply["error"].MemberCount() == 2);
}

TEST_CASE("an exception of the library is a reply, not the end") {
  ResetBackend();
  Backend().answer = [](const RulesetRequest&) -> CommitResult { throw std::bad_alloc(); };
  CHECK(Code(Ask(kCommit)) == "system-call-failed");
}

TEST_CASE("bytes of the kernel that are not UTF-8 come out as U+FFFD") {
  ResetBackend();
  Backend().answer = [](const RulesetRequest&) {
    sluice::InstalledRule rule;
    rule.comment = "a\xff\xc3\xa9\xed\xa0\x80z";
    rule.expressions = {"match \"x\"\x80", std::string("nul\0", 4)};
    sluice::InstalledFamily family;
    family.family = sluice::Family::kIpv4;
    family.present = true;
    family.chains = {{"\xc0\xaf", {}, true, {rule}}};
    CommitResult result;
    result.families.push_back(family);
    return result;
  };
  const auto reply = Ask(kCommit);
  const auto& chain = reply["ok"]["families"][0]["chains"][0];
  CHECK(chain["name"] == "\uFFFD\uFFFD");
  const auto& rule = chain["rules"][0];
  CHECK(rule["comment"] == "a\uFFFD\u00e9\uFFFD\uFFFD\uFFFDz");
  CHECK(rule["matches"].IsNull());
  CHECK(rule["verdict"].IsNull());
  CHECK(rule["expressions"][0] == "match \"x\"\uFFFD");
  CHECK(rule["expressions"][1].GetStringLength() == 4);
}

TEST_CASE("the largest numbers come out unchanged") {
  ResetBackend();
  Backend().answer = [](const RulesetRequest&) {
    sluice::InstalledRule rule;
    rule.understood = true;
    rule.counters = sluice::Counters{UINT64_MAX, UINT64_MAX - 1};
    CommitResult result;
    result.generation = UINT32_MAX;
    sluice::InstalledFamily family;
    family.family = sluice::Family::kIpv6;
    family.dormant = true;
    family.chains = {{"OURS", sluice::Hook::kOutput, false, {rule}}};
    result.families.push_back(family);
    result.messages = UINT32_MAX;
    result.bytes = SIZE_MAX;
    result.kernel_time = std::chrono::microseconds::max();
    result.stale = {sluice::Family::kIpv4};
    return result;
  };
  const auto reply = Ask(kCommit);
  CHECK(reply["ok"]["generation"].GetUint() == UINT32_MAX);
  CHECK(reply["ok"]["messages"].GetUint() == UINT32_MAX);
  CHECK(reply["ok"]["bytes"].GetUint64() == SIZE_MAX);
  CHECK(reply["ok"]["kernelMicroseconds"].GetInt64() == INT64_MAX);
  const auto& chain = reply["ok"]["families"][0]["chains"][0];
  CHECK(reply["ok"]["families"][0]["dormant"] == true);
  CHECK(chain["hook"] == "output");
  CHECK(chain["policy"] == "drop");
  CHECK(chain["rules"][0]["counters"]["packets"].GetUint64() == UINT64_MAX);
  CHECK(reply["ok"]["stale"][0] == "ipv4");
}
