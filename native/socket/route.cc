// SPDX-License-Identifier: GPL-2.0-or-later
#include "socket/route.h"

#include <linux/if_addr.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <net/if.h>

#include <array>
#include <cerrno>

#include "core/error.h"
#include "socket/link.h"
#include "socket/netlink.h"

namespace sluice {
namespace {

void CheckPrefixLength(const InetAddress& address, int prefix_length) {
  if (prefix_length >= 0 && prefix_length <= address.bits()) return;
  throw Error(ErrorCode::kInvalidRequest, "the prefix length " + std::to_string(prefix_length) +
                                              " is not in 0 to " + std::to_string(address.bits()));
}

std::string FormatSubnet(const InetAddress& address, int prefix_length) {
  return FormatInetAddress(address) + "/" + std::to_string(prefix_length);
}

}  // namespace

void AddAddress(const std::string& interface_name, const InetAddress& address, int prefix_length) {
  CheckPrefixLength(address, prefix_length);
  const std::string what = "cannot add the address " + FormatSubnet(address, prefix_length) +
                           " to the interface " + interface_name;
  NetlinkRequest request(RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL);
  ifaddrmsg header{};
  header.ifa_family = static_cast<unsigned char>(address.family);
  header.ifa_prefixlen = static_cast<unsigned char>(prefix_length);
  header.ifa_flags = address.family == AF_INET6 ? IFA_F_NODAD : 0;
  header.ifa_scope = RT_SCOPE_UNIVERSE;
  header.ifa_index = InterfaceIndex(interface_name, what);
  request.Append(header);
  request.AddBytes(IFA_LOCAL, address.bytes.data(), address.size());
  request.AddBytes(IFA_ADDRESS, address.bytes.data(), address.size());
  SendNetlink(NETLINK_ROUTE, request, what);
}

void AddRoute(const InetAddress& destination, int prefix_length, const std::optional<InetAddress>& gateway,
              const std::string& interface_name) {
  CheckPrefixLength(destination, prefix_length);
  std::string what = "cannot add the route to " + FormatSubnet(destination, prefix_length);
  if (gateway) what += " via " + FormatInetAddress(*gateway);
  if (!interface_name.empty()) what += " on the interface " + interface_name;
  if (!gateway && interface_name.empty()) {
    throw Error(ErrorCode::kInvalidRequest, what + ": it has neither a gateway nor an interface");
  }
  if (gateway && gateway->family != destination.family) {
    throw Error(ErrorCode::kInvalidRequest, what + ": the gateway is of the other IP family");
  }

  NetlinkRequest request(RTM_NEWROUTE, NLM_F_CREATE | NLM_F_REPLACE);
  rtmsg header{};
  header.rtm_family = static_cast<unsigned char>(destination.family);
  header.rtm_dst_len = static_cast<unsigned char>(prefix_length);
  header.rtm_table = RT_TABLE_MAIN;
  header.rtm_protocol = RTPROT_STATIC;
  header.rtm_scope = gateway ? RT_SCOPE_UNIVERSE : RT_SCOPE_LINK;
  header.rtm_type = RTN_UNICAST;
  request.Append(header);
  if (prefix_length > 0) request.AddBytes(RTA_DST, destination.bytes.data(), destination.size());
  if (gateway) request.AddBytes(RTA_GATEWAY, gateway->bytes.data(), gateway->size());
  if (!interface_name.empty()) request.AddNumber(RTA_OIF, InterfaceIndex(interface_name, what));
  SendNetlink(NETLINK_ROUTE, request, what);
}

void ForgetNeighbour(const std::string& interface_name, const InetAddress& address) {
  const std::string what =
      "cannot forget the neighbour " + FormatInetAddress(address) + " of the interface " + interface_name;
  NetlinkRequest request(RTM_DELNEIGH, 0);
  ndmsg header{};
  header.ndm_family = static_cast<unsigned char>(address.family);
  header.ndm_ifindex = static_cast<int>(InterfaceIndex(interface_name, what));
  request.Append(header);
  request.AddBytes(NDA_DST, address.bytes.data(), address.size());
  try {
    SendNetlink(NETLINK_ROUTE, request, what);
  } catch (const Error& error) {
    if (error.error_number != ENOENT) throw;
  }
}

std::string RouteInterface(const InetAddress& destination) {
  const std::string what = "cannot look up the route to " + FormatInetAddress(destination);
  NetlinkRequest request(RTM_GETROUTE, 0);
  rtmsg header{};
  header.rtm_family = static_cast<unsigned char>(destination.family);
  header.rtm_dst_len = static_cast<unsigned char>(destination.bits());
  request.Append(header);
  request.AddBytes(RTA_DST, destination.bytes.data(), destination.size());
  try {
    const NetlinkReply reply = AskNetlink(NETLINK_ROUTE, request, what);
    const auto index = reply.Attributes<rtmsg>().FindValue<uint32_t>(RTA_OIF);
    std::array<char, IF_NAMESIZE> name{};
    return index && if_indextoname(*index, name.data()) != nullptr ? name.data() : "";
  } catch (const Error& error) {
    // The last two: routes that prohibit, and blackholes (net/ipv4/fib_semantics.c, fib_props).
    switch (error.error_number) {
      case ENETUNREACH:
      case EHOSTUNREACH:
      case EACCES:
      case EINVAL:
        return "";
      default:
        throw;
    }
  }
}

}  // namespace sluice
