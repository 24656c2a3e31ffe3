// SPDX-License-Identifier: GPL-2.0-or-later
#include "socket/probe.h"

#include <sys/fsuid.h>
#include <sys/socket.h>

#include <cerrno>

#include "core/error.h"
#include "socket/connection_tracking.h"
#include "socket/icmp_error.h"
#include "socket/link.h"
#include "socket/segment.h"
#include "socket/tun_device.h"

namespace sluice {
namespace {

Failure FailureOf(const Error& error) { return {error.syscall, error.error_number}; }

// None without CAP_NET_ADMIN or ctnetlink, too: the counters of the rules tell as well.
std::optional<ConnectionEnd> WentTo(const ConnectionEnd& source, const ConnectionEnd& destination) {
  try {
    const std::optional<TrackedConnection> found = FindTrackedConnection(source, destination);
    if (found && found->original_source == source) return found->reply_source;
  } catch (const Error&) {
  }
  return std::nullopt;
}

void AwaitAnswer(const FileDescriptor& socket, const TcpConnection& connection, ProbeResult& result) {
  try {
    AwaitTcp(socket, connection);
    result.outcome = ProbeOutcome::kEstablished;
  } catch (const Error& error) {
    if (error.error_number == ECANCELED) throw;
    if (error.error_number == ETIMEDOUT) return;
    result.outcome = ProbeOutcome::kRejected;
    result.failure = FailureOf(error);
    result.rejecter = TakeIcmpErrorSource(socket.get());
  }
}

// The address of the namespace by which it speaks to another. Nothing is sent.
InetAddress AddressTowards(const ConnectionEnd& other) {
  const std::string what = "cannot tell the address by which to speak to " + FormatInetAddress(other.address);
  const FileDescriptor socket(::socket(other.address.family, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  if (!socket.valid()) throw SystemCallError(errno, "socket", what);
  const SocketAddress remote = MakeSocketAddress(other.address, other.port);
  if (connect(socket.get(), remote.get(), remote.length) != 0) throw SystemCallError(errno, "connect", what);
  return LocalEnd(socket).address;
}

// Without an address, and with this filter, every packet of IPv4 that comes in by the device is dropped as
// soon as it is routed, behind PREROUTING (net/ipv4/fib_frontend.c, __fib_validate_source: last_resort),
// whatever net.ipv4.conf.all.rp_filter is. IPv6 has no such filter: there the packet itself asks for it.
void MakeDeadEnd(const TunDevice& device) {
  SetReversePathFilter(device.name());
  SetLinkUp(device.name());
}

}  // namespace

ProbeResult ProbeOutbound(const TcpConnection& connection) {
  ProbeResult result;
  result.destination = {connection.address, connection.port};
  FileDescriptor socket(-1);
  try {
    socket = StartTcp(connection);
  } catch (const Error& error) {
    result.outcome = ProbeOutcome::kNotSent;
    result.failure = FailureOf(error);
    return result;
  }
  // No ids: both calls then only give the present ones.
  result.uid = static_cast<uid_t>(setfsuid(static_cast<uid_t>(-1)));
  result.gid = static_cast<gid_t>(setfsgid(static_cast<gid_t>(-1)));
  result.source = LocalEnd(socket);
  // At once: connection tracking forgets what is refused, and much later what has ended.
  result.went_to = WentTo(result.source, result.destination);
  AwaitAnswer(socket, connection, result);
  return result;
}

ProbeResult ProbeInbound(const ConnectionEnd& source, ConnectionEnd destination) {
  ProbeResult result;
  result.source = source;
  std::optional<TunDevice> device;
  try {
    if (destination.address.family == AF_UNSPEC) destination.address = AddressTowards(source);
  } catch (const Error& error) {
    result.outcome = ProbeOutcome::kNotSent;
    result.failure = FailureOf(error);
    return result;
  }
  result.destination = destination;
  try {
    device.emplace();
    MakeDeadEnd(*device);
  } catch (const Error& error) {
    result.outcome = ProbeOutcome::kNoDevice;
    result.failure = FailureOf(error);
    return result;
  }
  result.came_in_by = device->name();
  Segment syn;
  syn.source = source;
  syn.destination = destination;
  syn.sequence = 1;
  syn.flags = Segment::kSyn;
  syn.discarded = true;
  device->Deliver(EncodeSegment(syn));
  result.outcome = ProbeOutcome::kDelivered;
  return result;
}

}  // namespace sluice
