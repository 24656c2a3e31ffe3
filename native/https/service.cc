// SPDX-License-Identifier: GPL-2.0-or-later
#include "https/service.h"

#include <string_view>

#include "core/json.h"
#include "https/client.h"
#include "https/failure.h"
#include "https/request.h"
#include "quickjs/utf8.h"

namespace sluice::https {
namespace {

void WriteString(json::Writer& writer, std::string_view key, std::string_view text) {
  json::WriteKey(writer, key);
  // As Node decodes it, which replaces fewer bytes with one U+FFFD than json::WriteText.
  const std::string valid = ToValidUtf8(text);
  writer.String(valid.data(), static_cast<rapidjson::SizeType>(valid.size()));
}

}  // namespace

std::string Answer(const std::string& text) {
  // The connection is kept for as long as the process lives.
  static Client client;
  const Request request = ReadRequest(text);
  rapidjson::StringBuffer buffer;
  json::Writer writer(buffer);
  writer.StartObject();
  try {
    const Response response = client.Get(request);
    json::WriteKey(writer, "status");
    writer.Int(response.status);
    WriteString(writer, "body", response.body);
  } catch (const Failure& failure) {
    WriteString(writer, "failure", failure.reason);
    WriteString(writer, "detail", failure.detail);
  }
  writer.EndObject();
  return {buffer.GetString(), buffer.GetSize()};
}

}  // namespace sluice::https
