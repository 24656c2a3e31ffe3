// SPDX-License-Identifier: GPL-2.0-or-later
#include "xtables/extension.h"

// `-m multiport --dports 80,90:100`: struct xt_multiport_v1, ports in the host's byte order, pflags[i] = 1
// where a range starts; the slot after it holds its end.
namespace sluice::xtables {

xt_multiport_v1 EncodeMultiport(const MultiportMatch& match) {
  xt_multiport_v1 info{};
  info.flags = XT_MULTIPORT_DESTINATION;
  for (const PortRange& ports : match.ports) {
    info.ports[info.count++] = ports.first;
    if (ports.first == ports.last) continue;
    info.pflags[info.count - 1] = 1;
    info.ports[info.count++] = ports.last;
  }
  return info;
}

std::optional<Match> DecodeMultiport(const Extension& extension) {
  if (!extension.Is(kMultiport, kMultiportRevision)) return std::nullopt;
  const auto info = extension.As<xt_multiport_v1>();
  if (!info || info->flags != XT_MULTIPORT_DESTINATION || info->invert != 0 || info->count == 0 ||
      info->count > XT_MULTI_PORTS) {
    return std::nullopt;
  }
  MultiportMatch match;
  for (size_t i = 0; i < info->count; ++i) {
    const bool range = info->pflags[i] != 0;
    if (range && i + 1 >= info->count) return std::nullopt;
    const uint16_t first = info->ports[i];
    const uint16_t last = range ? info->ports[++i] : first;
    if (first > last) return std::nullopt;  // no port is in it
    match.ports.push_back({first, last});
  }
  return match;
}

}  // namespace sluice::xtables
