// SPDX-License-Identifier: GPL-2.0-or-later
#include "socket/connection_tracking.h"

#include <arpa/inet.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>
#include <netinet/in.h>

#include <cerrno>
#include <cstring>
#include <string>

#include "core/error.h"
#include "socket/netlink.h"

namespace sluice {
namespace {

struct AddressAttributes {
  uint16_t source;
  uint16_t destination;
};

AddressAttributes AttributesOf(int family) {
  if (family == AF_INET) return {CTA_IP_V4_SRC, CTA_IP_V4_DST};
  return {CTA_IP_V6_SRC, CTA_IP_V6_DST};
}

void AddTuple(NetlinkRequest& request, const ConnectionEnd& source, const ConnectionEnd& destination) {
  const AddressAttributes types = AttributesOf(source.address.family);
  const size_t tuple = request.BeginNest(CTA_TUPLE_ORIG);
  const size_t addresses = request.BeginNest(CTA_TUPLE_IP);
  request.AddBytes(types.source, source.address.bytes.data(), source.address.size());
  request.AddBytes(types.destination, destination.address.bytes.data(), destination.address.size());
  request.EndNest(addresses);
  const size_t protocol = request.BeginNest(CTA_TUPLE_PROTO);
  request.AddNumber<uint8_t>(CTA_PROTO_NUM, IPPROTO_TCP);
  request.AddNumber<uint16_t>(CTA_PROTO_SRC_PORT, htons(source.port));
  request.AddNumber<uint16_t>(CTA_PROTO_DST_PORT, htons(destination.port));
  request.EndNest(protocol);
  request.EndNest(tuple);
}

ConnectionEnd ReadEnd(const std::optional<NetlinkAttributes>& tuple, int family, uint16_t address_type,
                      uint16_t port_type, const std::string& what) {
  const auto addresses = tuple ? tuple->Find(CTA_TUPLE_IP) : std::nullopt;
  const auto protocol = tuple ? tuple->Find(CTA_TUPLE_PROTO) : std::nullopt;
  const auto address = addresses ? addresses->Find(address_type) : std::nullopt;
  const auto port = protocol ? protocol->FindValue<uint16_t>(port_type) : std::nullopt;
  ConnectionEnd endpoint;
  endpoint.address.family = family;
  if (!address || !port || address->size() != endpoint.address.size()) {
    throw SystemCallError(EBADMSG, "recv", what);
  }
  std::memcpy(endpoint.address.bytes.data(), address->bytes(), address->size());
  endpoint.port = ntohs(*port);
  return endpoint;
}

}  // namespace

std::optional<TrackedConnection> FindTrackedConnection(const ConnectionEnd& source,
                                                       const ConnectionEnd& destination) {
  const std::string what = "cannot look up the connection from " +
                           FormatEndpoint(source.address, source.port) + " to " +
                           FormatEndpoint(destination.address, destination.port) + " in connection tracking";
  const int family = source.address.family;
  if (family != destination.address.family) {
    throw Error(ErrorCode::kInvalidRequest, what + ": the addresses are of two families");
  }
  NetlinkRequest request((NFNL_SUBSYS_CTNETLINK << 8) | IPCTNL_MSG_CT_GET, 0);
  nfgenmsg header{};
  header.nfgen_family = static_cast<unsigned char>(family);
  header.version = NFNETLINK_V0;
  request.Append(header);
  // The kernel takes it for either direction (ctnetlink_get_conntrack, nf_conntrack_find_get).
  AddTuple(request, source, destination);
  try {
    const NetlinkReply reply = AskNetlink(NETLINK_NETFILTER, request, what);
    const NetlinkAttributes attributes = reply.Attributes<nfgenmsg>();
    const auto original = attributes.Find(CTA_TUPLE_ORIG);
    const auto reversed = attributes.Find(CTA_TUPLE_REPLY);
    const AddressAttributes types = AttributesOf(family);
    TrackedConnection found;
    found.original_source = ReadEnd(original, family, types.source, CTA_PROTO_SRC_PORT, what);
    found.original_destination = ReadEnd(original, family, types.destination, CTA_PROTO_DST_PORT, what);
    found.reply_source = ReadEnd(reversed, family, types.source, CTA_PROTO_SRC_PORT, what);
    found.reply_destination = ReadEnd(reversed, family, types.destination, CTA_PROTO_DST_PORT, what);
    return found;
  } catch (const Error& error) {
    if (error.error_number == ENOENT) return std::nullopt;
    // nfnetlink's answer for a subsystem that is not there, loadable neither.
    if (error.error_number == EINVAL) {
      throw SystemCallError(EINVAL, "sendto", what + ": the kernel has no ctnetlink (CONFIG_NF_CT_NETLINK)");
    }
    throw;
  }
}

}  // namespace sluice
