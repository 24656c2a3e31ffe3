// SPDX-License-Identifier: GPL-2.0-or-later
#include "socket/tcp.h"

#include <netinet/in.h>
#include <sys/fsuid.h>
#include <sys/prctl.h>
#include <sys/socket.h>

#include <cerrno>
#include <string>
#include <vector>

#include "core/error.h"
#include "socket/wait.h"

namespace sluice {
namespace {

// system-call-failed even for EACCES and EPERM: a port below 1024 or a packet filter, not a missing
// CAP_NET_ADMIN.
Error SocketError(int error_number, const char* syscall, const std::string& what) {
  Error error = SystemCallError(error_number, syscall, what);
  error.code = ErrorCode::kSystemCallFailed;
  return error;
}

FileDescriptor MakeTcpSocket(int family, const std::string& what) {
  FileDescriptor made(socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, IPPROTO_TCP));
  if (!made.valid()) throw SocketError(errno, "socket", what);
  return made;
}

void SetOption(const FileDescriptor& socket, int level, int name, int value, const std::string& what) {
  if (setsockopt(socket.get(), level, name, &value, sizeof(value)) != 0) {
    throw SocketError(errno, "setsockopt", what);
  }
}

void Bind(const FileDescriptor& socket, const InetAddress& address, uint16_t port, const std::string& what) {
  const SocketAddress local = MakeSocketAddress(address, port);
  if (bind(socket.get(), local.get(), local.length) != 0) throw SocketError(errno, "bind", what);
}

// A socket belongs to the ids that its maker uses for file systems (its file's f_cred), which are a thread's
// own; what the kernel's owner matches compare with (net/netfilter/xt_owner.c, nft_meta.c).
void BecomeOwner(const std::optional<uid_t>& uid, const std::optional<gid_t>& gid) {
  constexpr auto kQuery = static_cast<uid_t>(-1);  // no id: both calls then only give the present one
  // They report no errors. The group first: afterwards there may be no right to.
  // A change of ids makes the whole process undumpable (commit_creds), and its /proc another's. Read once:
  // while another thread is here, it would be the answer to that one's change.
  static const int dumpable = prctl(PR_GET_DUMPABLE);
  if (gid) {
    setfsgid(*gid);
    if (static_cast<gid_t>(setfsgid(kQuery)) != *gid) {
      throw SocketError(EPERM, "setfsgid",
                        "cannot make a socket of gid " + std::to_string(*gid) +
                            ", which may not be mapped in this user namespace");
    }
  }
  if (uid) {
    setfsuid(*uid);
    if (static_cast<uid_t>(setfsuid(kQuery)) != *uid) {
      throw SocketError(EPERM, "setfsuid",
                        "cannot make a socket of uid " + std::to_string(*uid) +
                            ", which may not be mapped in this user namespace");
    }
  }
  if (dumpable == 1) prctl(PR_SET_DUMPABLE, 1);
}

std::string ToConnect(const TcpConnection& connection) {
  return "cannot connect to " + FormatEndpoint(connection.address, connection.port);
}

void SetIpOptions(const FileDescriptor& socket, const TcpConnection& connection, const std::string& what) {
  const bool ipv4 = connection.address.family == AF_INET;
  const int level = ipv4 ? IPPROTO_IP : IPPROTO_IPV6;
  if (connection.hop_limit != 0) {
    SetOption(socket, level, ipv4 ? IP_TTL : IPV6_UNICAST_HOPS, connection.hop_limit, what);
  }
  if (connection.heed_icmp_errors) SetOption(socket, level, ipv4 ? IP_RECVERR : IPV6_RECVERR, 1, what);
}

}  // namespace

FileDescriptor ListenTcp(const InetAddress& address, uint16_t port, bool ipv6_only, int backlog) {
  const std::string what = "cannot listen on " + FormatEndpoint(address, port);
  FileDescriptor listener = MakeTcpSocket(address.family, what);
  SetOption(listener, SOL_SOCKET, SO_REUSEADDR, 1, what);
  if (address.family == AF_INET6) SetOption(listener, IPPROTO_IPV6, IPV6_V6ONLY, ipv6_only ? 1 : 0, what);
  Bind(listener, address, port, what);
  if (listen(listener.get(), backlog) != 0) throw SocketError(errno, "listen", what);
  return listener;
}

FileDescriptor StartTcp(const TcpConnection& connection) {
  const std::string what = ToConnect(connection);
  BecomeOwner(connection.uid, connection.gid);
  FileDescriptor socket = MakeTcpSocket(connection.address.family, what);
  SetIpOptions(socket, connection, what);
  if (connection.local_address || connection.local_port != 0) {
    if (connection.local_port != 0) SetOption(socket, SOL_SOCKET, SO_REUSEADDR, 1, what);
    InetAddress any;
    any.family = connection.address.family;
    const InetAddress& local = connection.local_address ? *connection.local_address : any;
    Bind(socket, local, connection.local_port,
         what + " from " + FormatEndpoint(local, connection.local_port));
  }
  const SocketAddress remote = MakeSocketAddress(connection.address, connection.port);
  if (connect(socket.get(), remote.get(), remote.length) != 0 && errno != EINPROGRESS) {
    throw SocketError(errno, "connect", what);
  }
  return socket;
}

void AwaitTcp(const FileDescriptor& socket, const TcpConnection& connection) {
  const std::string what = ToConnect(connection);
  const Patience patience = {std::chrono::steady_clock::now() + connection.timeout,
                             connection.cancel_descriptor};
  std::vector<pollfd> waiting = {{socket.get(), POLLOUT, 0}};
  if (!AwaitReady(waiting, patience, what)) throw SocketError(ETIMEDOUT, "connect", what);
  int error = 0;
  socklen_t length = sizeof(error);
  if (getsockopt(socket.get(), SOL_SOCKET, SO_ERROR, &error, &length) != 0) error = errno;
  // It stood, and has been reset since: to refuse it the kernel says ECONNREFUSED (tcp_reset). What has
  // become of it its owner sees.
  if (error != 0 && error != ECONNRESET) throw SocketError(error, "connect", what);
}

FileDescriptor ConnectTcp(const TcpConnection& connection) {
  FileDescriptor socket = StartTcp(connection);
  AwaitTcp(socket, connection);
  return socket;
}

ConnectionEnd LocalEnd(const FileDescriptor& socket) {
  sockaddr_storage storage{};
  socklen_t length = sizeof(storage);
  if (getsockname(socket.get(), reinterpret_cast<sockaddr*>(&storage), &length) != 0) {
    throw SystemCallError(errno, "getsockname", "cannot tell the address of a connection");
  }
  return ReadSocketAddress(storage);
}

}  // namespace sluice
