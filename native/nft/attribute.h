// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <libmnl/libmnl.h>

#include <cstddef>

namespace sluice::nft {

// Calls `each(attribute)` for the netlink attributes in these bytes. libmnl's macros do not compile as C++.
template <typename Each>
void ForEachAttribute(const void* start, size_t length, Each each) {
  const auto* end = static_cast<const char*>(start) + length;
  for (const auto* attribute = static_cast<const nlattr*>(start);
       mnl_attr_ok(attribute, static_cast<int>(end - reinterpret_cast<const char*>(attribute)));
       attribute = mnl_attr_next(attribute)) {
    each(attribute);
  }
}

template <typename Each>
void ForEachNested(const nlattr* nest, Each each) {
  ForEachAttribute(mnl_attr_get_payload(nest), mnl_attr_get_payload_len(nest), each);
}

}  // namespace sluice::nft
