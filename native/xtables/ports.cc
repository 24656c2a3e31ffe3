// SPDX-License-Identifier: GPL-2.0-or-later
#include "xtables/extension.h"

// `-m tcp --dport 80:90`, `-m udp --dport 80`: struct xt_tcp and xt_udp, ranges of ports in the host's byte
// order. Without --dport they hold every port.
namespace sluice::xtables {
namespace {

constexpr uint16_t kLastPort = 65535;

template <typename Info>
void SetPorts(const DestinationPortMatch& match, Info& info) {
  info.spts[1] = kLastPort;
  info.dpts[0] = match.ports.first;
  info.dpts[1] = match.ports.last;
}

template <typename Info>
std::optional<Match> GetPorts(const Info& info) {
  if (info.invflags != 0 || info.spts[0] != 0 || info.spts[1] != kLastPort || info.dpts[0] > info.dpts[1]) {
    return std::nullopt;
  }
  return DestinationPortMatch{{info.dpts[0], info.dpts[1]}};
}

}  // namespace

xt_tcp EncodeTcpPorts(const DestinationPortMatch& match) {
  xt_tcp info{};
  SetPorts(match, info);
  return info;
}

xt_udp EncodeUdpPorts(const DestinationPortMatch& match) {
  xt_udp info{};
  SetPorts(match, info);
  return info;
}

std::optional<Match> DecodePorts(const Extension& extension) {
  if (extension.Is(kTcp, kPortsRevision)) {
    const auto info = extension.As<xt_tcp>();
    if (!info || info->option != 0 || info->flg_mask != 0 || info->flg_cmp != 0) return std::nullopt;
    return GetPorts(*info);
  }
  if (extension.Is(kUdp, kPortsRevision)) {
    const auto info = extension.As<xt_udp>();
    if (info) return GetPorts(*info);
  }
  return std::nullopt;
}

}  // namespace sluice::xtables
