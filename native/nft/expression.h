// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/commit.h"
#include "nft/handles.h"
#include "xtables/extension.h"

namespace sluice::nft {

// One expression of a rule that was read from the kernel.
class Expression {
 public:
  explicit Expression(const nftnl_expr* expression) : expression_(expression) {}

  std::string_view name() const { return nftnl_expr_get_str(expression_, NFTNL_EXPR_NAME); }
  bool Is(std::string_view wanted) const { return name() == wanted; }
  // The extension of x_tables that it holds; nothing for anything else. `kind` is "match" or "target".
  std::optional<xtables::Extension> Xt(std::string_view kind) const;
  // "match owner" for an extension, else the name.
  std::string Description() const;

  bool Has(uint16_t attribute) const { return nftnl_expr_is_set(expression_, attribute); }
  // The number in an attribute; nothing when it is not there.
  std::optional<uint32_t> Number(uint16_t attribute) const;
  bool NumberIs(uint16_t attribute, uint32_t value) const { return Number(attribute) == value; }
  uint64_t Number64(uint16_t attribute) const { return nftnl_expr_get_u64(expression_, attribute); }
  // The string in an attribute; empty when it is not there.
  std::string Text(uint16_t attribute) const;
  // The bytes in an attribute; empty when it is not there.
  std::string_view Bytes(uint16_t attribute) const;

  // Whether the kernel's expression says all that the wanted one says. Counters may have counted.
  bool Says(const Expression& wanted) const;

 private:
  const nftnl_expr* expression_;
};

std::vector<Expression> ExpressionsOf(const nftnl_rule* rule);

// Those of the first counter; nothing when the rule has none.
std::optional<Counters> CountersOf(const std::vector<Expression>& expressions);

// Walks over the expressions of a rule. Decoders look ahead, and take what they understood.
class Cursor {
 public:
  explicit Cursor(std::vector<Expression> expressions) : expressions_(std::move(expressions)) {}

  bool AtEnd() const { return position_ >= expressions_.size(); }
  // Null when the rule ends before.
  const Expression* Peek(size_t ahead = 0) const {
    const size_t index = position_ + ahead;
    return index < expressions_.size() ? &expressions_[index] : nullptr;
  }
  void Take(size_t count = 1) { position_ += count; }

 private:
  std::vector<Expression> expressions_;
  size_t position_ = 0;
};

// A value loaded into register 1 and compared for equality: `meta` or `payload`, perhaps `bitwise`, then
// `cmp`.
struct Comparison {
  std::string_view value;
  std::string_view mask;  // empty when nothing was masked
  size_t expressions = 0;
};
// Reads such a comparison behind the load at the cursor; nothing when what follows is something else.
std::optional<Comparison> ReadComparison(const Cursor& cursor, uint32_t loaded_register);

}  // namespace sluice::nft
