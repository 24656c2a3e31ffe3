// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstdint>
#include <string>
#include <type_traits>

#include "nft/handles.h"

namespace sluice::nft {

// Appends expressions to a rule, each as iptables-nft writes it: values pass through register 1.
class RuleBuilder {
 public:
  RuleBuilder() : rule_(NewRule()) {}

  void LoadMeta(uint32_t key);
  void LoadPayload(uint32_t base, uint32_t offset, uint32_t length);
  void Mask(const void* mask, uint32_t length);
  void CompareEqual(const void* value, uint32_t length);
  void CompareRange(const void* first, const void* last, uint32_t length);
  // Whether the value is in a named set of the table.
  void Lookup(const std::string& set);
  void Counter();
  // nft's own REDIRECT, to a port in network order.
  void Redirect(uint16_t port);
  // nft's own place for comments, the rule's userdata; at most 255 bytes.
  void Comment(const std::string& comment);
  void Verdict(int32_t code, const char* chain = nullptr);
  // An extension of x_tables, run by nft_compat. `Info` is the structure of its kernel header.
  template <typename Info>
  void XtMatch(const char* name, uint32_t revision, const Info& info) {
    static_assert(std::is_trivially_copyable_v<Info>);
    AddXt("match", name, revision, &info, sizeof(info));
  }
  template <typename Info>
  void XtTarget(const char* name, uint32_t revision, const Info& info) {
    static_assert(std::is_trivially_copyable_v<Info>);
    AddXt("target", name, revision, &info, sizeof(info));
  }
  // Tells the extensions which protocol the rule is for; without it multiport answers EINVAL. The kernel
  // takes it and does not give it back.
  void SetProtocol(uint8_t protocol);

  RuleHandle Take() { return std::move(rule_); }

 private:
  nftnl_expr* Add(const char* name);
  void AddXt(const char* kind, const char* name, uint32_t revision, const void* info, size_t size);

  RuleHandle rule_;
};

}  // namespace sluice::nft
