// SPDX-License-Identifier: GPL-2.0-or-later
#include "socket/icmp_error.h"

#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/uio.h>

// After sys/socket.h and with the types of time.h, which it uses without including them.
#include <ctime>
// clang-format off
#include <linux/errqueue.h>
// clang-format on

#include <array>
#include <cstring>

namespace sluice {
namespace {

// The extended error with the address behind it (SO_EE_OFFENDER), as the kernel lays them out.
template <typename Address>
struct IcmpError {
  sock_extended_err error;
  Address offender;
};

template <typename Address>
std::optional<InetAddress> Offender(const cmsghdr& header, uint8_t origin) {
  IcmpError<Address> content;
  if (header.cmsg_len < CMSG_LEN(sizeof(content))) return std::nullopt;
  std::memcpy(&content, CMSG_DATA(&header), sizeof(content));
  if (content.error.ee_origin != origin) return std::nullopt;  // made here: nobody has answered
  sockaddr_storage storage{};
  std::memcpy(&storage, &content.offender, sizeof(content.offender));
  const InetAddress address = ReadSocketAddress(storage).address;
  if (address.family == AF_UNSPEC) return std::nullopt;
  return address;
}

}  // namespace

std::optional<InetAddress> TakeIcmpErrorSource(int descriptor) {
  alignas(cmsghdr) std::array<char, 512> control{};
  std::array<char, 1> packet{};  // the start of what was sent: of no interest, and cut
  iovec content{packet.data(), packet.size()};
  msghdr message{};
  message.msg_iov = &content;
  message.msg_iovlen = 1;
  message.msg_control = control.data();
  message.msg_controllen = control.size();
  if (recvmsg(descriptor, &message, MSG_ERRQUEUE | MSG_DONTWAIT) < 0) return std::nullopt;
  for (cmsghdr* header = CMSG_FIRSTHDR(&message); header != nullptr; header = CMSG_NXTHDR(&message, header)) {
    if (header->cmsg_level == IPPROTO_IP && header->cmsg_type == IP_RECVERR) {
      return Offender<sockaddr_in>(*header, SO_EE_ORIGIN_ICMP);
    }
    if (header->cmsg_level == IPPROTO_IPV6 && header->cmsg_type == IPV6_RECVERR) {
      return Offender<sockaddr_in6>(*header, SO_EE_ORIGIN_ICMP6);
    }
  }
  return std::nullopt;
}

}  // namespace sluice
