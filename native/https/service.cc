// SPDX-License-Identifier: GPL-2.0-or-later
#include "https/service.h"

#include <string_view>

#include "core/json.h"
#include "https/client.h"
#include "https/failure.h"
#include "https/request.h"

namespace sluice::https {
namespace {

// As it is: what is not UTF-8 in it becomes U+FFFD where the whole answer becomes a string of the script's.
void WriteString(json::Writer& writer, std::string_view key, std::string_view text) {
  json::WriteKey(writer, key);
  writer.String(text.data(), static_cast<rapidjson::SizeType>(text.size()));
}

}  // namespace

std::string Answer(const std::string& text) {
  // The connection is kept for as long as the process lives.
  static Client client;
  const Request request = ReadRequest(text);
  json::Buffer buffer;
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
