// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <rapidjson/document.h>

#include <string>
#include <string_view>
#include <vector>

#include "core/core.h"

// The door of docs/core.md with a back end that touches nothing: it notes what it was asked and answers what
// it is told to.
namespace sluice::test {

// A request of op "commit" that holds every match and every verdict.
extern const std::string_view kCommit;

struct FakeBackend {
  std::vector<RulesetRequest> requests;
  CommitResult (*answer)(const RulesetRequest& request) = nullptr;  // null: an empty result
};

// The one that Call uses; each test case starts with a fresh one.
FakeBackend& Backend();
void ResetBackend();

// Calls the door and gives its reply, which must be a JSON document: {"ok": ...} or {"error": {"code",
// "detail", ...}}.
rapidjson::Document Ask(std::string_view request);

// The code of an error reply; "" for {"ok": ...}.
std::string Code(const rapidjson::Document& reply);
// The detail of an error reply.
std::string Detail(const rapidjson::Document& reply);

// Whether the door refuses the request as invalid without asking the back end.
bool Refuses(std::string_view request);

}  // namespace sluice::test
