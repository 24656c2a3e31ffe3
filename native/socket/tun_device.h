// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <optional>
#include <string>

#include "core/file_descriptor.h"
#include "socket/segment.h"

namespace sluice {

// A network device of the calling thread's namespace whose cable ends in this process. The kernel removes it,
// with its addresses and routes, when the descriptor is closed: also when the process is killed.
class TunDevice {
 public:
  // Down, and without an address. Needs CAP_NET_ADMIN and /dev/net/tun. Throws Error.
  TunDevice();

  const std::string& name() const { return name_; }
  // Readable when the kernel has sent something.
  int descriptor() const { return descriptor_.get(); }
  // The kernel sees the packet come in by the device. Throws Error.
  void Deliver(const Packet& packet) const;
  // What the kernel has sent by the device; none when nothing waits. Throws Error.
  std::optional<Packet> Take() const;

 private:
  FileDescriptor descriptor_;
  std::string name_;
};

}  // namespace sluice
