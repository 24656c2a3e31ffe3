// SPDX-License-Identifier: GPL-2.0-or-later
#include "socket/tcp.h"

#include <netinet/in.h>
#include <poll.h>
#include <sys/fsuid.h>
#include <sys/prctl.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <string>

#include "core/error.h"

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

void AwaitConnection(const FileDescriptor& socket, const TcpConnection& connection, const std::string& what) {
  using Clock = std::chrono::steady_clock;
  const Clock::time_point deadline = Clock::now() + connection.timeout;
  for (;;) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now()).count();
    std::array<pollfd, 2> waiting{{{socket.get(), POLLOUT, 0}, {connection.cancel_descriptor, POLLIN, 0}}};
    const int ready = poll(waiting.data(), waiting.size(), static_cast<int>(std::max<int64_t>(left, 0)));
    if (ready < 0 && errno == EINTR) continue;
    if (ready < 0) throw SocketError(errno, "poll", what);
    if (waiting[1].revents != 0) throw SocketError(ECANCELED, "connect", what);
    if (waiting[0].revents != 0) break;
    if (left <= 0) throw SocketError(ETIMEDOUT, "connect", what);
  }
  int error = 0;
  socklen_t length = sizeof(error);
  if (getsockopt(socket.get(), SOL_SOCKET, SO_ERROR, &error, &length) != 0) error = errno;
  // It stood, and has been reset since: to refuse it the kernel says ECONNREFUSED (tcp_reset). What has
  // become of it its owner sees.
  if (error != 0 && error != ECONNRESET) throw SocketError(error, "connect", what);
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

FileDescriptor ConnectTcp(const TcpConnection& connection) {
  const std::string what = "cannot connect to " + FormatEndpoint(connection.address, connection.port);
  BecomeOwner(connection.uid, connection.gid);
  FileDescriptor socket = MakeTcpSocket(connection.address.family, what);
  if (connection.local_address || connection.local_port != 0) {
    if (connection.local_port != 0) SetOption(socket, SOL_SOCKET, SO_REUSEADDR, 1, what);
    InetAddress any;
    any.family = connection.address.family;
    const InetAddress& local = connection.local_address ? *connection.local_address : any;
    Bind(socket, local, connection.local_port,
         what + " from " + FormatEndpoint(local, connection.local_port));
  }
  const SocketAddress remote = MakeSocketAddress(connection.address, connection.port);
  if (connect(socket.get(), remote.get(), remote.length) != 0) {
    if (errno != EINPROGRESS) throw SocketError(errno, "connect", what);
    AwaitConnection(socket, connection, what);
  }
  return socket;
}

}  // namespace sluice
