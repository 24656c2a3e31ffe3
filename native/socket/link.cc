// SPDX-License-Identifier: GPL-2.0-or-later
#include "socket/link.h"

#include <linux/if_link.h>
#include <linux/ip.h>
#include <linux/rtnetlink.h>
#include <linux/veth.h>
#include <net/if.h>

#include <cerrno>

#include "core/error.h"
#include "socket/netlink.h"

namespace sluice {

unsigned int InterfaceIndex(const std::string& name, const std::string& what_was_tried) {
  const unsigned int index = if_nametoindex(name.c_str());
  if (index == 0) {
    throw SystemCallError(errno, "ioctl", what_was_tried + ": there is no interface \"" + name + "\"");
  }
  return index;
}

void SetLinkUp(const std::string& name) {
  const std::string what = "cannot set the interface " + name + " up";
  NetlinkRequest request(RTM_NEWLINK, 0);
  ifinfomsg link{};
  link.ifi_family = AF_UNSPEC;
  link.ifi_index = static_cast<int>(InterfaceIndex(name, what));
  link.ifi_flags = IFF_UP;
  link.ifi_change = IFF_UP;
  request.Append(link);
  SendNetlink(NETLINK_ROUTE, request, what);
}

void SetReversePathFilter(const std::string& name) {
  const std::string what = "cannot have the interface " + name + " filter by the reverse path";
  NetlinkRequest request(RTM_NEWLINK, 0);
  ifinfomsg link{};
  link.ifi_family = AF_UNSPEC;
  link.ifi_index = static_cast<int>(InterfaceIndex(name, what));
  request.Append(link);
  const size_t families = request.BeginNest(IFLA_AF_SPEC);
  const size_t ipv4 = request.BeginNest(AF_INET);
  const size_t settings = request.BeginNest(IFLA_INET_CONF);
  request.AddNumber<uint32_t>(IPV4_DEVCONF_RP_FILTER, 1);
  request.EndNest(settings);
  request.EndNest(ipv4);
  request.EndNest(families);
  SendNetlink(NETLINK_ROUTE, request, what);
}

void DeleteLink(const std::string& name) {
  const std::string what = "cannot delete the interface " + name;
  NetlinkRequest request(RTM_DELLINK, 0);
  ifinfomsg link{};
  link.ifi_family = AF_UNSPEC;
  link.ifi_index = static_cast<int>(InterfaceIndex(name, what));
  request.Append(link);
  SendNetlink(NETLINK_ROUTE, request, what);
}

void CreateBridge(const std::string& name) {
  NetlinkRequest request(RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL);
  ifinfomsg link{};
  link.ifi_family = AF_UNSPEC;
  request.Append(link);
  request.AddText(IFLA_IFNAME, name);
  const size_t info = request.BeginNest(IFLA_LINKINFO);
  request.AddText(IFLA_INFO_KIND, "bridge");
  request.EndNest(info);
  SendNetlink(NETLINK_ROUTE, request, "cannot create the bridge " + name);
}

void AttachToBridge(const std::string& name, const std::string& bridge) {
  const std::string what = "cannot attach the interface " + name + " to the bridge " + bridge;
  NetlinkRequest request(RTM_NEWLINK, 0);
  ifinfomsg link{};
  link.ifi_family = AF_UNSPEC;
  link.ifi_index = static_cast<int>(InterfaceIndex(name, what));
  request.Append(link);
  request.AddNumber(IFLA_MASTER, InterfaceIndex(bridge, what));
  SendNetlink(NETLINK_ROUTE, request, what);
}

void CreateVethPair(const std::string& name, int peer_namespace, const std::string& peer_name) {
  NetlinkRequest request(RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL);
  ifinfomsg link{};
  link.ifi_family = AF_UNSPEC;
  request.Append(link);
  request.AddText(IFLA_IFNAME, name);
  const size_t info = request.BeginNest(IFLA_LINKINFO);
  request.AddText(IFLA_INFO_KIND, "veth");
  const size_t data = request.BeginNest(IFLA_INFO_DATA);
  const size_t peer = request.BeginNest(VETH_INFO_PEER);
  request.Append(link);
  request.AddText(IFLA_IFNAME, peer_name);
  request.AddNumber(IFLA_NET_NS_FD, static_cast<uint32_t>(peer_namespace));
  request.EndNest(peer);
  request.EndNest(data);
  request.EndNest(info);
  SendNetlink(NETLINK_ROUTE, request, "cannot create the veth pair " + name + " and " + peer_name);
}

}  // namespace sluice
