// SPDX-License-Identifier: GPL-2.0-or-later

// A request to the pages of the CNI installer, as native/daemon reads it.

#include <cstdint>
#include <string>

#include "daemon/request_head.h"
#include "fuzz/check.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using sluice::daemon::RequestHead;
  using sluice::fuzz::Check;
  const std::string received(reinterpret_cast<const char*>(data), size);
  if (!sluice::daemon::IsComplete(received)) return 0;
  const RequestHead head = sluice::daemon::ParseHead(received);
  if (head.refusal != 0) {
    Check(head.refusal == 400 || head.refusal == 405 || head.refusal == 431, "a refusal is one of three");
    return 0;
  }
  Check(!head.path.empty() && head.path[0] == '/', "a path begins with a slash", head.path);
  Check(head.path.find_first_of("?\n ") == std::string::npos, "a path ends where it ends", head.path);
  // What follows the head is not read.
  const RequestHead longer = sluice::daemon::ParseHead(received + "\n\nGET / HTTP/1.1\n\n");
  Check(longer.refusal == 0 && longer.path == head.path && longer.body_wanted == head.body_wanted,
        "what follows changes nothing", head.path);
  return 0;
}
