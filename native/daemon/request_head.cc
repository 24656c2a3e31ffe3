// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/request_head.h"

#include <algorithm>

namespace sluice::daemon {
namespace {

constexpr int kBadRequest = 400;
constexpr int kMethodNotAllowed = 405;
constexpr int kHeadTooLong = 431;

// Where the empty line is at whose end the head ends (RFC 9112, 2.2: a line may also end without CR).
size_t EndOfHead(std::string_view received) {
  return std::min(received.find("\r\n\r\n"), received.find("\n\n"));
}

bool IsToken(std::string_view text) {
  constexpr std::string_view kOthers = "!#$%&'*+-.^_`|~";
  return !text.empty() && std::all_of(text.begin(), text.end(), [&](char c) {
    const bool letter = (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
    return letter || kOthers.find(c) != std::string_view::npos;
  });
}

RequestHead Refused(int status) {
  RequestHead head;
  head.refusal = status;
  return head;
}

}  // namespace

bool IsComplete(std::string_view received) {
  return received.size() > kLongestHead || EndOfHead(received) != std::string_view::npos;
}

RequestHead ParseHead(std::string_view received) {
  if (EndOfHead(received) == std::string_view::npos) return Refused(kHeadTooLong);
  std::string_view line = received.substr(0, received.find('\n'));
  if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
  const size_t first = line.find(' ');
  const size_t last = line.rfind(' ');
  if (first == std::string_view::npos || first == last) return Refused(kBadRequest);
  const std::string_view method = line.substr(0, first);
  const std::string_view target = line.substr(first + 1, last - first - 1);
  const std::string_view version = line.substr(last + 1);
  const bool known = version == "HTTP/1.1" || version == "HTTP/1.0";
  if (!IsToken(method) || !known || target.find(' ') != std::string_view::npos) return Refused(kBadRequest);
  if (method != "GET" && method != "HEAD") return Refused(kMethodNotAllowed);
  if (target.empty() || target.front() != '/') return Refused(kBadRequest);
  RequestHead head;
  head.body_wanted = method == "GET";
  head.path = target.substr(0, target.find('?'));
  return head;
}

}  // namespace sluice::daemon
