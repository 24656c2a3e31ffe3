// SPDX-License-Identifier: GPL-2.0-or-later
#include "look/extensions.h"

#include <arpa/inet.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables_compat.h>
#include <linux/netfilter/nfnetlink.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "core/error.h"
#include "core/file_descriptor.h"
#include "socket/netlink.h"

namespace sluice::look {
namespace {

// Of linux/netfilter_ipv4/ip_tables.h and linux/netfilter_ipv6/ip6_tables.h, which do not go together with
// netinet/in.h.
constexpr int kIpGetRevisionMatch = 66;
constexpr int kIpGetRevisionTarget = 67;
constexpr int kIp6GetRevisionMatch = 68;
constexpr int kIp6GetRevisionTarget = 69;
constexpr int kOriginalDestination = 80;

struct XtGetRevision {  // struct xt_get_revision of linux/netfilter/x_tables.h
  std::array<char, 29> name;
  uint8_t revision;
};

int AskNfTables(const ExtensionQuestion& question) {
  constexpr uint16_t kType = NFNL_SUBSYS_NFT_COMPAT << 8 | NFNL_MSG_COMPAT_GET;
  NetlinkRequest request(kType, NLM_F_ACK);
  nfgenmsg header{};
  header.nfgen_family = question.family == Family::kIpv4 ? NFPROTO_IPV4 : NFPROTO_IPV6;
  header.version = NFNETLINK_V0;
  request.Append(header);
  request.AddText(NFTA_COMPAT_NAME, question.name);
  request.AddNumber<uint32_t>(NFTA_COMPAT_REV, htonl(question.revision));
  request.AddNumber<uint32_t>(NFTA_COMPAT_TYPE, htonl(question.target ? 1 : 0));
  try {
    AskNetlink(NETLINK_NETFILTER, request, "cannot ask nf_tables for an extension");
  } catch (const Error& error) {
    return error.error_number;
  }
  return 0;
}

int AskIpTables(const ExtensionQuestion& question) {
  const bool ipv4 = question.family == Family::kIpv4;
  // As libiptc does it: only a raw socket has these options.
  const FileDescriptor socket_descriptor(
      socket(ipv4 ? AF_INET : AF_INET6, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_RAW));
  if (!socket_descriptor.valid()) return errno;
  XtGetRevision wanted{};
  if (question.name.size() >= wanted.name.size()) return ENOENT;
  std::copy(question.name.begin(), question.name.end(), wanted.name.begin());
  wanted.revision = question.revision;
  const int option = ipv4 ? (question.target ? kIpGetRevisionTarget : kIpGetRevisionMatch)
                          : (question.target ? kIp6GetRevisionTarget : kIp6GetRevisionMatch);
  socklen_t size = sizeof(wanted);
  const int level = ipv4 ? SOL_IP : SOL_IPV6;
  return getsockopt(socket_descriptor.get(), level, option, &wanted, &size) == 0 ? 0 : errno;
}

}  // namespace

int ExtensionErrno(const ExtensionQuestion& question) {
  return question.door == Door::kNfTables ? AskNfTables(question) : AskIpTables(question);
}

int TrackingErrno(Family family) {
  const bool ipv4 = family == Family::kIpv4;
  const FileDescriptor socket_descriptor(socket(ipv4 ? AF_INET : AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!socket_descriptor.valid()) return errno;
  sockaddr_storage address{};
  socklen_t size = sizeof(address);
  const int level = ipv4 ? SOL_IP : SOL_IPV6;
  if (getsockopt(socket_descriptor.get(), level, kOriginalDestination, &address, &size) == 0) return 0;
  // A socket that is not connected has no entry: whoever says so has looked.
  return errno == ENOENT ? 0 : errno;
}

}  // namespace sluice::look
