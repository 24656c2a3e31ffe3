// SPDX-License-Identifier: GPL-2.0-or-later
#include "nftables/interval_set.h"

#include <arpa/inet.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>

#include <algorithm>
#include <cstring>
#include <iterator>
#include <tuple>

#include "nft/attribute.h"

namespace sluice::nftables {

using nft::Border;
using nft::ForEachNested;

namespace {

using Key = std::array<uint8_t, 16>;

// The element behind this one; nothing behind the last there is.
std::optional<Key> After(Key key, SetType type) {
  for (size_t i = ElementSize(type); i-- > 0;) {
    if (++key[i] != 0) return key;
  }
  return std::nullopt;
}

Key Before(Key key, SetType type) {
  for (size_t i = ElementSize(type); i-- > 0;) {
    if (key[i]-- != 0) break;
  }
  return key;
}

Key LastKey(SetType type) {
  Key key{};
  std::fill_n(key.begin(), ElementSize(type), uint8_t{0xff});
  return key;
}

bool IsZero(const Key& key) { return key == Key{}; }

std::optional<Border> ReadBorder(const nlattr* element, SetType type) {
  Border border{{}, false};
  bool keyed = false;
  bool plain = true;
  ForEachNested(element, [&](const nlattr* attribute) {
    switch (mnl_attr_get_type(attribute)) {
      case NFTA_SET_ELEM_KEY:
        ForEachNested(attribute, [&](const nlattr* value) {
          if (mnl_attr_get_type(value) != NFTA_DATA_VALUE ||
              mnl_attr_get_payload_len(value) != ElementSize(type)) {
            return;
          }
          memcpy(border.key.data(), mnl_attr_get_payload(value), ElementSize(type));
          keyed = true;
        });
        break;
      case NFTA_SET_ELEM_FLAGS:
        border.end = ntohl(nft::NumberIn(attribute)) == NFT_SET_ELEM_INTERVAL_END;
        plain = plain && (border.end || nft::NumberIn(attribute) == 0);
        break;
      case NFTA_SET_ELEM_USERDATA:
      case NFTA_SET_ELEM_PAD:
        break;
      default:
        plain = false;
    }
  });
  if (!keyed || !plain) return std::nullopt;
  return border;
}

}  // namespace

std::vector<Border> BordersOf(const std::vector<Interval>& intervals, SetType type) {
  std::vector<Border> borders;
  borders.reserve(intervals.size() * 2);
  for (const Interval& interval : intervals) {
    borders.push_back({interval.first, false});
    if (const auto after = After(interval.last, type)) borders.push_back({*after, true});
  }
  return borders;
}

bool Leads(const std::vector<Interval>& intervals) {
  return !intervals.empty() && !IsZero(intervals[0].first);
}

Border LeadingBorder() { return {{}, true}; }

std::optional<std::vector<Interval>> IntervalsOf(std::vector<Border> borders, SetType type) {
  // Where one interval ends the next may begin.
  const auto before = [](const Border& a, const Border& b) {
    const int order = memcmp(a.key.data(), b.key.data(), a.key.size());
    return order < 0 || (order == 0 && a.end && !b.end);
  };
  // The kernel lists them from the last to the first (nft_set_rbtree.c).
  std::reverse(borders.begin(), borders.end());
  if (!std::is_sorted(borders.begin(), borders.end(), before)) {
    std::sort(borders.begin(), borders.end(), before);
  }
  std::vector<Interval> intervals;
  bool open = false;
  for (size_t i = 0; i < borders.size(); ++i) {
    const Border& border = borders[i];
    if (border.end && i == 0 && IsZero(border.key)) continue;  // the leading one
    if (border.end != open) return std::nullopt;
    if (border.end) {
      intervals.back().last = Before(border.key, type);
    } else {
      intervals.push_back({border.key, LastKey(type)});
    }
    open = !border.end;
  }
  return intervals;
}

bool ReadBorders(const nlmsghdr* message, SetType type, std::vector<Border>& borders) {
  bool plain = true;
  nft::ForEachAttributeOf(message, [&](const nlattr* attribute) {
    if (mnl_attr_get_type(attribute) != NFTA_SET_ELEM_LIST_ELEMENTS) return;
    ForEachNested(attribute, [&](const nlattr* element) {
      const auto border = ReadBorder(element, type);
      if (border) borders.push_back(*border);
      plain = plain && border.has_value();
    });
  });
  return plain;
}

std::vector<Interval> Difference(const std::vector<Interval>& from, const std::vector<Interval>& without) {
  std::vector<Interval> rest;
  const auto before = [](const Interval& a, const Interval& b) {
    return std::tie(a.first, a.last) < std::tie(b.first, b.last);
  };
  std::set_difference(from.begin(), from.end(), without.begin(), without.end(), std::back_inserter(rest),
                      before);
  return rest;
}

}  // namespace sluice::nftables
