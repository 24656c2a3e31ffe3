// SPDX-License-Identifier: GPL-2.0-or-later
#include "fuzz/check.h"

#include <rapidjson/document.h>

#include <algorithm>

namespace sluice::fuzz {

void CheckReply(std::string_view reply) {
  rapidjson::Document document;
  document.Parse<rapidjson::kParseIterativeFlag | rapidjson::kParseValidateEncodingFlag>(reply.data(),
                                                                                         reply.size());
  Check(!document.HasParseError() && document.IsObject() && document.MemberCount() == 1,
        "a reply is a document", reply);
  const bool control = std::any_of(reply.begin(), reply.end(), [](unsigned char c) { return c < ' '; });
  Check(!control, "a reply holds no control character", reply);
  if (document.HasMember("ok")) return;
  Check(document.HasMember("error") && document["error"].IsObject(), "a reply is ok or an error", reply);
  const auto& error = document["error"];
  Check(error.HasMember("code") && error["code"].IsString(), "an error has a code", reply);
  const bool detailed =
      error.HasMember("detail") && error["detail"].IsString() && error["detail"].GetStringLength() > 0;
  Check(detailed, "an error has a detail", reply);
}

}  // namespace sluice::fuzz
