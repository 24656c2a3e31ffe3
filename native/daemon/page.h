// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "daemon/request_head.h"

namespace sluice::daemon {

struct Page {
  int status;
  std::string type;
  std::string body;
};

// By their paths.
using Pages = std::map<std::string, Page, std::less<>>;

// The whole answer to a request. The connection is closed behind it.
std::string Respond(const RequestHead& head, const Pages& pages);

}  // namespace sluice::daemon
