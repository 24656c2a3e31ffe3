// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/page.h"

namespace sluice::daemon {
namespace {

const char* ReasonOf(int status) {
  switch (status) {
    case 200:
      return "OK";
    case 400:
      return "Bad Request";
    case 404:
      return "Not Found";
    case 405:
      return "Method Not Allowed";
    case 431:
      return "Request Header Fields Too Large";
    case 503:
      return "Service Unavailable";
    default:
      return "";  // RFC 9112, 4: the phrase may be empty
  }
}

Page PageOf(const RequestHead& head, const Pages& pages) {
  const auto plain = [](int status) {
    return Page{status, "text/plain; charset=utf-8", std::string(ReasonOf(status)) + "\n"};
  };
  if (head.refusal != 0) return plain(head.refusal);
  const auto found = pages.find(head.path);
  return found == pages.end() ? plain(404) : found->second;
}

}  // namespace

std::string Respond(const RequestHead& head, const Pages& pages) {
  const Page page = PageOf(head, pages);
  std::string response = "HTTP/1.1 " + std::to_string(page.status) + " " + ReasonOf(page.status) + "\r\n";
  response += "Content-Type: " + page.type + "\r\n";
  response += "Content-Length: " + std::to_string(page.body.size()) + "\r\n";
  if (page.status == 405) response += "Allow: GET, HEAD\r\n";
  response += "Cache-Control: no-store\r\nConnection: close\r\n\r\n";
  return head.body_wanted ? response + page.body : response;
}

}  // namespace sluice::daemon
