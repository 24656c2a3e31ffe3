// SPDX-License-Identifier: GPL-2.0-or-later
#include "nft/port_set.h"

#include <arpa/inet.h>
#include <linux/netfilter/nf_tables.h>

#include <algorithm>
#include <cstring>
#include <optional>

namespace sluice::nft {
namespace {

constexpr uint32_t kInetService = 13;  // nft's datatype of ports; the kernel only keeps it
constexpr uint16_t kLastPort = 65535;

// A single port, or a border of an interval: an interval ends before the border that says so.
struct Border {
  uint16_t port;
  bool end;
};

// Nothing when the element says more than that: a catch-all holds every port, and an expression in it, such
// as a limit, may say no to a port that is there.
std::optional<Border> BorderOf(nftnl_set_elem* element) {
  for (uint16_t attribute = 0; attribute <= NFTNL_SET_ELEM_MAX; ++attribute) {
    const bool known = attribute == NFTNL_SET_ELEM_FLAGS || attribute == NFTNL_SET_ELEM_KEY ||
                       attribute == NFTNL_SET_ELEM_USERDATA;
    if (!known && nftnl_set_elem_is_set(element, attribute)) return std::nullopt;
  }
  uint32_t flags = 0;
  if (nftnl_set_elem_is_set(element, NFTNL_SET_ELEM_FLAGS)) {
    flags = nftnl_set_elem_get_u32(element, NFTNL_SET_ELEM_FLAGS);
  }
  uint32_t length = 0;
  const void* key = nftnl_set_elem_get(element, NFTNL_SET_ELEM_KEY, &length);
  uint16_t port = 0;
  if ((flags & ~NFT_SET_ELEM_INTERVAL_END) != 0 || key == nullptr || length != sizeof(port)) {
    return std::nullopt;
  }
  memcpy(&port, key, sizeof(port));
  return Border{ntohs(port), flags != 0};
}

int Collect(nftnl_set_elem* element, void* data) {
  const auto border = BorderOf(element);
  if (!border) return -1;
  static_cast<std::vector<Border>*>(data)->push_back(*border);
  return 0;
}

std::vector<PortRange> Ranges(const std::vector<Border>& borders) {
  std::vector<PortRange> ranges;
  for (size_t i = 0; i < borders.size(); ++i) {
    if (borders[i].end) continue;
    uint16_t last = kLastPort;
    if (i + 1 < borders.size()) last = static_cast<uint16_t>(borders[i + 1].port - 1);
    ranges.push_back({borders[i].port, last});
  }
  return ranges;
}

}  // namespace

bool HoldsPorts(const nftnl_set* set) {
  constexpr uint32_t kPlain = NFT_SET_ANONYMOUS | NFT_SET_CONSTANT | NFT_SET_INTERVAL;
  return (nftnl_set_get_u32(set, NFTNL_SET_FLAGS) & ~kPlain) == 0 &&
         nftnl_set_get_u32(set, NFTNL_SET_KEY_TYPE) == kInetService &&
         nftnl_set_get_u32(set, NFTNL_SET_KEY_LEN) == sizeof(uint16_t);
}

std::vector<PortRange> PortsOf(nftnl_set* elements) {
  std::vector<Border> borders;
  if (nftnl_set_elem_foreach(elements, Collect, &borders) < 0) return {};
  // Where one interval ends the next may begin.
  std::sort(borders.begin(), borders.end(), [](const Border& a, const Border& b) {
    return a.port != b.port ? a.port < b.port : a.end && !b.end;
  });
  const bool intervals = (nftnl_set_get_u32(elements, NFTNL_SET_FLAGS) & NFT_SET_INTERVAL) != 0;
  if (intervals) return Ranges(borders);
  std::vector<PortRange> ports;
  ports.reserve(borders.size());
  for (const Border& border : borders) ports.push_back({border.port, border.port});
  return ports;
}

}  // namespace sluice::nft
