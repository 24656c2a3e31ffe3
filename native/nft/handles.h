// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <libmnl/libmnl.h>
#include <libnftnl/chain.h>
#include <libnftnl/expr.h>
#include <libnftnl/rule.h>
#include <libnftnl/set.h>
#include <libnftnl/table.h>

#include <memory>
#include <new>

namespace sluice::nft {

template <auto Free>
struct Deleter {
  template <typename T>
  void operator()(T* handle) const {
    Free(handle);
  }
};

using RuleHandle = std::unique_ptr<nftnl_rule, Deleter<nftnl_rule_free>>;
using ChainHandle = std::unique_ptr<nftnl_chain, Deleter<nftnl_chain_free>>;
using SetHandle = std::unique_ptr<nftnl_set, Deleter<nftnl_set_free>>;
using TableHandle = std::unique_ptr<nftnl_table, Deleter<nftnl_table_free>>;

// libnftnl and libmnl answer a failed allocation with a null pointer.
template <typename T>
T* Allocated(T* handle) {
  if (handle == nullptr) throw std::bad_alloc();
  return handle;
}

// What libnftnl's setters of texts and data answer: they copy them.
inline void Stored(int result) {
  if (result < 0) throw std::bad_alloc();
}

inline RuleHandle NewRule() { return RuleHandle(Allocated(nftnl_rule_alloc())); }
inline ChainHandle NewChain() { return ChainHandle(Allocated(nftnl_chain_alloc())); }
inline SetHandle NewSet() { return SetHandle(Allocated(nftnl_set_alloc())); }
inline TableHandle NewTable() { return TableHandle(Allocated(nftnl_table_alloc())); }

}  // namespace sluice::nft
