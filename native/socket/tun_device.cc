// SPDX-License-Identifier: GPL-2.0-or-later
#include "socket/tun_device.h"

#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <string_view>

#include "core/error.h"

namespace sluice {
namespace {

constexpr const char* kPath = "/dev/net/tun";
constexpr std::string_view kNamePattern = "sluice%d";  // the kernel puts a number in
constexpr size_t kLongestPacket = 65536;

// The name that the kernel has given it.
std::string MakeDevice(const FileDescriptor& descriptor) {
  ifreq request{};
  std::copy(kNamePattern.begin(), kNamePattern.end(), request.ifr_name);
  request.ifr_flags = IFF_TUN | IFF_NO_PI;
  if (ioctl(descriptor.get(), TUNSETIFF, &request) != 0) {
    throw SystemCallError(errno, "ioctl", "cannot make a TUN device");
  }
  return request.ifr_name;
}

}  // namespace

TunDevice::TunDevice() : descriptor_(open(kPath, O_RDWR | O_CLOEXEC | O_NONBLOCK)) {
  if (!descriptor_.valid()) throw SystemCallError(errno, "open", std::string("cannot open ") + kPath);
  name_ = MakeDevice(descriptor_);
}

void TunDevice::Deliver(const Packet& packet) const {
  if (write(descriptor_.get(), packet.data(), packet.size()) < 0) {
    throw SystemCallError(errno, "write", "cannot deliver a packet by a TUN device");
  }
}

std::optional<Packet> TunDevice::Take() const {
  Packet packet(kLongestPacket);
  const ssize_t size = read(descriptor_.get(), packet.data(), packet.size());
  if (size < 0) {
    if (errno == EAGAIN || errno == EINTR) return std::nullopt;
    throw SystemCallError(errno, "read", "cannot take a packet from a TUN device");
  }
  packet.resize(static_cast<size_t>(size));
  return packet;
}

}  // namespace sluice
