// SPDX-License-Identifier: GPL-2.0-or-later
#include <linux/netfilter/xt_multiport.h>

#include "nft/match/match.h"

// `-m multiport --dports 80,90:100`: struct xt_multiport_v1, ports in the host's byte order, pflags[i] = 1
// where a range starts; the slot after it holds its end.
namespace sluice::nft {

void Encode(const MultiportMatch& match, RuleBuilder& rule) {
  xt_multiport_v1 info{};
  info.flags = XT_MULTIPORT_DESTINATION;
  for (const PortRange& ports : match.ports) {
    info.ports[info.count++] = ports.first;
    if (ports.first == ports.last) continue;
    info.pflags[info.count - 1] = 1;
    info.ports[info.count++] = ports.last;
  }
  rule.XtMatch("multiport", 1, info);
}

std::optional<Match> DecodeMultiport(Cursor& cursor) {
  const Expression* expression = cursor.Peek();
  if (expression == nullptr || !expression->IsXt("match", "multiport", 1)) return std::nullopt;
  const auto info = expression->XtInfo<xt_multiport_v1>();
  if (!info || info->flags != XT_MULTIPORT_DESTINATION || info->invert != 0 || info->count == 0 ||
      info->count > XT_MULTI_PORTS) {
    return std::nullopt;
  }
  MultiportMatch match;
  for (size_t i = 0; i < info->count; ++i) {
    const bool range = info->pflags[i] != 0;
    if (range && i + 1 >= info->count) return std::nullopt;
    const uint16_t first = info->ports[i];
    match.ports.push_back({first, range ? info->ports[++i] : first});
  }
  cursor.Take();
  return match;
}

}  // namespace sluice::nft
