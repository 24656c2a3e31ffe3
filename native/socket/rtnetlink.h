// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <linux/netlink.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace sluice {

// One rtnetlink request under construction, written on the kernel's headers alone: the addon that carries
// this must load on hosts that have none of the netfilter libraries, libmnl included.
class RtnetlinkRequest {
 public:
  // NLM_F_REQUEST and NLM_F_ACK are added.
  RtnetlinkRequest(uint16_t type, uint16_t flags);

  // The family's fixed header: ifinfomsg, ifaddrmsg, rtmsg.
  template <typename Header>
  void Append(const Header& header) {
    AppendBytes(&header, sizeof(header));
  }
  void AddBytes(uint16_t type, const void* data, size_t size);
  void AddNumber(uint16_t type, uint32_t value) { AddBytes(type, &value, sizeof(value)); }
  // With the terminating zero.
  void AddText(uint16_t type, const std::string& text) { AddBytes(type, text.c_str(), text.size() + 1); }

  // Everything added between the two calls becomes the content of the attribute. Begin gives what End needs.
  size_t BeginNest(uint16_t type);
  void EndNest(size_t begin);

  // The finished message.
  const std::vector<unsigned char>& Finish();

 private:
  void AppendBytes(const void* data, size_t size);

  std::vector<unsigned char> bytes_;
};

// Sends the request in the calling thread's network namespace and waits for the kernel's answer. Throws
// Error, whose text is `what_was_tried` and what the kernel said beyond the errno (NETLINK_EXT_ACK), where it
// said something.
void SendRtnetlink(RtnetlinkRequest& request, const std::string& what_was_tried);

}  // namespace sluice
