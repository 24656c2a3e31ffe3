// SPDX-License-Identifier: GPL-2.0-or-later
#include "nft/expression.h"

#include <linux/netfilter/nf_tables.h>

namespace sluice::nft {
namespace {

// libnftnl numbers the attributes of every expression from NFTNL_EXPR_BASE; none has as many as this.
constexpr uint16_t kAttributesEnd = 16;

}  // namespace

std::optional<xtables::Extension> Expression::Xt(std::string_view kind) const {
  if (!Is(kind) || !Has(NFTNL_EXPR_MT_NAME)) return std::nullopt;
  return xtables::Extension{nftnl_expr_get_str(expression_, NFTNL_EXPR_MT_NAME),
                            Number(NFTNL_EXPR_MT_REV).value_or(0), Bytes(NFTNL_EXPR_MT_INFO)};
}

std::string Expression::Description() const {
  std::string text(name());
  if ((Is("match") || Is("target")) && Has(NFTNL_EXPR_MT_NAME)) {
    text.append(" ").append(nftnl_expr_get_str(expression_, NFTNL_EXPR_MT_NAME));
  }
  return text;
}

std::optional<uint32_t> Expression::Number(uint16_t attribute) const {
  if (!Has(attribute)) return std::nullopt;
  return nftnl_expr_get_u32(expression_, attribute);
}

std::string_view Expression::Bytes(uint16_t attribute) const {
  if (!Has(attribute)) return {};
  uint32_t length = 0;
  const void* data = nftnl_expr_get(expression_, attribute, &length);
  return data == nullptr ? std::string_view() : std::string_view(static_cast<const char*>(data), length);
}

std::string Expression::Text(uint16_t attribute) const {
  const char* text = Has(attribute) ? nftnl_expr_get_str(expression_, attribute) : nullptr;
  return text == nullptr ? "" : text;
}

bool Expression::Says(const Expression& wanted) const {
  if (name() != wanted.name()) return false;
  if (Is("counter")) return true;
  for (uint16_t attribute = NFTNL_EXPR_BASE; attribute < kAttributesEnd; ++attribute) {
    if (!wanted.Has(attribute)) continue;
    if (!Has(attribute) || Bytes(attribute) != wanted.Bytes(attribute)) return false;
  }
  return true;
}

std::vector<Expression> ExpressionsOf(const nftnl_rule* rule) {
  std::vector<Expression> expressions;
  const auto collect = [](nftnl_expr* expression, void* data) {
    static_cast<std::vector<Expression>*>(data)->emplace_back(expression);
    return 0;
  };
  // The walk only reads; libnftnl's callback type lacks the const.
  nftnl_expr_foreach(const_cast<nftnl_rule*>(rule), collect, &expressions);
  return expressions;
}

std::optional<Counters> CountersOf(const std::vector<Expression>& expressions) {
  for (const Expression& expression : expressions) {
    if (!expression.Is("counter")) continue;
    return Counters{expression.Number64(NFTNL_EXPR_CTR_PACKETS), expression.Number64(NFTNL_EXPR_CTR_BYTES)};
  }
  return std::nullopt;
}

std::optional<Comparison> ReadComparison(const Cursor& cursor, uint32_t loaded_register) {
  Comparison comparison;
  size_t ahead = 1;
  const Expression* next = cursor.Peek(ahead);
  if (next != nullptr && next->Is("bitwise")) {
    const std::string_view flip = next->Bytes(NFTNL_EXPR_BITWISE_XOR);
    const bool in_place = next->NumberIs(NFTNL_EXPR_BITWISE_SREG, loaded_register) &&
                          next->NumberIs(NFTNL_EXPR_BITWISE_DREG, loaded_register);
    comparison.mask = next->Bytes(NFTNL_EXPR_BITWISE_MASK);
    if (!in_place || comparison.mask.empty() || flip.find_first_not_of('\0') != std::string_view::npos) {
      return std::nullopt;
    }
    next = cursor.Peek(++ahead);
  }
  if (next == nullptr || !next->Is("cmp") || !next->NumberIs(NFTNL_EXPR_CMP_OP, NFT_CMP_EQ) ||
      !next->NumberIs(NFTNL_EXPR_CMP_SREG, loaded_register)) {
    return std::nullopt;
  }
  comparison.value = next->Bytes(NFTNL_EXPR_CMP_DATA);
  comparison.expressions = ahead + 1;
  return comparison;
}

}  // namespace sluice::nft
