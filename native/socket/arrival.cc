// SPDX-License-Identifier: GPL-2.0-or-later
#include "socket/arrival.h"

#include <algorithm>
#include <cerrno>
#include <optional>

#include "core/error.h"
#include "socket/link.h"
#include "socket/route.h"
#include "socket/segment.h"
#include "socket/tun_device.h"
#include "socket/wait.h"

namespace sluice {
namespace {

using Clock = std::chrono::steady_clock;

// A device takes its addresses into use after the call that gave them (of IPv6, addrconf_dad_work): what
// comes before that is dropped.
constexpr std::chrono::milliseconds kSynInterval{20};
constexpr uint32_t kFirstSequence = 1;  // nobody can guess at a connection of this device's

// A subnet with room for both ends: both addresses are to be in it.
int PrefixLength(const InetAddress& address) { return address.bits() - 2; }

ConnectionEnd Parse(const Endpoint& endpoint) { return {ParseInetAddress(endpoint.address), endpoint.port}; }

// The outer end of a connection that comes in. Of TCP it plays as much as a peer needs that loses nothing.
class OuterEnd {
 public:
  OuterEnd(const TunDevice& device, const ConnectionEnd& self, const ConnectionEnd& peer)
      : device_(device), self_(self), peer_(peer) {}
  OuterEnd(const OuterEnd&) = delete;
  OuterEnd& operator=(const OuterEnd&) = delete;

  // So that the peer does not go on sending into a device that is no more.
  ~OuterEnd() {
    try {
      if (established_) Send(Segment::kReset | Segment::kAcknowledge);
    } catch (const Error&) {
      // It will give up by itself.
    }
  }

  // Again, if nobody has answered.
  void Open() {
    sequence_ = kFirstSequence;
    Send(Segment::kSyn);
    sequence_ = kFirstSequence + 1;
  }

  // Takes what the device has for this connection.
  void Receive() {
    while (const std::optional<Packet> packet = device_.Take()) {
      const std::optional<Segment> segment = DecodeSegment(*packet);
      if (segment && segment->source == peer_ && segment->destination == self_) Answer(*segment);
    }
  }

  bool established() const { return established_; }
  bool reset() const { return reset_; }
  bool ended() const { return ended_; }
  const std::string& received() const { return received_; }

 private:
  void Answer(const Segment& segment) {
    if (segment.Has(Segment::kReset)) {
      reset_ = true;
    } else if (segment.Has(Segment::kSyn | Segment::kAcknowledge)) {
      if (!established_) acknowledgement_ = segment.sequence + 1;
      established_ = true;
      Send(Segment::kAcknowledge);
    } else if (established_ && segment.sequence == acknowledgement_) {
      received_ += segment.payload;
      ended_ = segment.Has(Segment::kFin);
      acknowledgement_ += static_cast<uint32_t>(segment.payload.size()) + (ended_ ? 1 : 0);
      if (ended_ || !segment.payload.empty()) Send(Segment::kAcknowledge);
    }
  }

  void Send(int flags) const {
    Segment segment;
    segment.source = self_;
    segment.destination = peer_;
    segment.sequence = sequence_;
    segment.acknowledgement = acknowledgement_;
    segment.flags = static_cast<uint8_t>(flags);
    device_.Deliver(EncodeSegment(segment));
  }

  const TunDevice& device_;
  const ConnectionEnd self_;
  const ConnectionEnd peer_;
  uint32_t sequence_ = kFirstSequence;
  uint32_t acknowledgement_ = 0;
  bool established_ = false;
  bool reset_ = false;
  bool ended_ = false;
  std::string received_;
};

// Lets the outer end and the server talk until it is known what becomes of the connection, or the deadline.
void Talk(const ExchangeRequest& request, const TunDevice& device, OuterEnd& outer, TokenServer& server) {
  const ConnectionEnd self = Parse(*request.from);
  Clock::time_point deadline = request.deadline;
  while (!outer.reset() && !outer.ended() && outer.received().size() < server.token().size()) {
    const bool stood = outer.established();
    if (!stood) outer.Open();
    const Patience patience = {stood ? deadline : std::min(deadline, Clock::now() + kSynInterval),
                               request.cancel_descriptor};
    const bool ready = AwaitReady({{device.descriptor(), POLLIN, 0}, {server.descriptor(), POLLIN, 0}},
                                  patience, "cannot wait for the token");
    if (!ready && Clock::now() >= deadline) return;
    server.Serve(self);
    outer.Receive();
    if (outer.established() && !stood) deadline = std::min(deadline, Clock::now() + kLongestWayToListener);
  }
}

ExchangeResult Converse(const ExchangeRequest& request, const TunDevice& device, TokenServer& server) {
  OuterEnd outer(device, Parse(*request.from), Parse(request.connect));
  Talk(request, device, outer, server);
  ExchangeResult result;
  result.received = outer.received().substr(0, server.token().size());
  if (result.received == server.token()) {
    result.outcome = ExchangeOutcome::kReturned;
  } else if (outer.established()) {
    result.outcome = ExchangeOutcome::kTaken;
  } else if (outer.reset()) {
    result.outcome = ExchangeOutcome::kRejected;
    result.failure = Failure{"connect", ECONNREFUSED};
  }
  return result;
}

}  // namespace

ExchangeResult Arrive(const ExchangeRequest& request, TokenServer& server) {
  const InetAddress address = ParseInetAddress(request.connect.address);
  const InetAddress from = ParseInetAddress(request.from->address);
  if (from.family != address.family) throw Error(ErrorCode::kInvalidRequest, "from: of the other IP family");
  std::optional<TunDevice> device;
  try {
    device.emplace();
    AddAddress(device->name(), address, PrefixLength(address));
    SetLinkUp(device->name());
  } catch (const Error& error) {
    ExchangeResult result;
    result.outcome = ExchangeOutcome::kNoDevice;
    result.failure = Failure{error.syscall, error.error_number};
    return result;
  }
  return Converse(request, *device, server);
}

}  // namespace sluice
