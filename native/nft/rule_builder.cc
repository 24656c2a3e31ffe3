// SPDX-License-Identifier: GPL-2.0-or-later
#include "nft/rule_builder.h"

#include <libnftnl/udata.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_nat.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/x_tables.h>

#include <array>
#include <cstdlib>
#include <cstring>

namespace sluice::nft {
namespace {

struct FreeDeleter {
  void operator()(void* memory) const { free(memory); }
};

}  // namespace

nftnl_expr* RuleBuilder::Add(const char* name) {
  nftnl_expr* expression = Allocated(nftnl_expr_alloc(name));
  nftnl_rule_add_expr(rule_.get(), expression);
  return expression;
}

void RuleBuilder::LoadMeta(uint32_t key) {
  nftnl_expr* meta = Add("meta");
  nftnl_expr_set_u32(meta, NFTNL_EXPR_META_KEY, key);
  nftnl_expr_set_u32(meta, NFTNL_EXPR_META_DREG, NFT_REG_1);
}

void RuleBuilder::LoadPayload(uint32_t base, uint32_t offset, uint32_t length) {
  nftnl_expr* payload = Add("payload");
  nftnl_expr_set_u32(payload, NFTNL_EXPR_PAYLOAD_DREG, NFT_REG_1);
  nftnl_expr_set_u32(payload, NFTNL_EXPR_PAYLOAD_BASE, base);
  nftnl_expr_set_u32(payload, NFTNL_EXPR_PAYLOAD_OFFSET, offset);
  nftnl_expr_set_u32(payload, NFTNL_EXPR_PAYLOAD_LEN, length);
}

void RuleBuilder::Mask(const void* mask, uint32_t length) {
  constexpr std::array<uint8_t, 16> kZero{};
  nftnl_expr* bitwise = Add("bitwise");
  nftnl_expr_set_u32(bitwise, NFTNL_EXPR_BITWISE_SREG, NFT_REG_1);
  nftnl_expr_set_u32(bitwise, NFTNL_EXPR_BITWISE_DREG, NFT_REG_1);
  nftnl_expr_set_u32(bitwise, NFTNL_EXPR_BITWISE_LEN, length);
  nftnl_expr_set(bitwise, NFTNL_EXPR_BITWISE_MASK, mask, length);
  nftnl_expr_set(bitwise, NFTNL_EXPR_BITWISE_XOR, kZero.data(), length);
}

void RuleBuilder::CompareEqual(const void* value, uint32_t length) {
  nftnl_expr* cmp = Add("cmp");
  nftnl_expr_set_u32(cmp, NFTNL_EXPR_CMP_SREG, NFT_REG_1);
  nftnl_expr_set_u32(cmp, NFTNL_EXPR_CMP_OP, NFT_CMP_EQ);
  nftnl_expr_set(cmp, NFTNL_EXPR_CMP_DATA, value, length);
}

void RuleBuilder::CompareRange(const void* first, const void* last, uint32_t length) {
  nftnl_expr* range = Add("range");
  nftnl_expr_set_u32(range, NFTNL_EXPR_RANGE_SREG, NFT_REG_1);
  nftnl_expr_set_u32(range, NFTNL_EXPR_RANGE_OP, NFT_RANGE_EQ);
  nftnl_expr_set(range, NFTNL_EXPR_RANGE_FROM_DATA, first, length);
  nftnl_expr_set(range, NFTNL_EXPR_RANGE_TO_DATA, last, length);
}

void RuleBuilder::Lookup(const std::string& set) {
  nftnl_expr* lookup = Add("lookup");
  nftnl_expr_set_u32(lookup, NFTNL_EXPR_LOOKUP_SREG, NFT_REG_1);
  Stored(nftnl_expr_set_str(lookup, NFTNL_EXPR_LOOKUP_SET, set.c_str()));
  // Not inverted. Said, so that a rule that is inverted is not taken for ours.
  nftnl_expr_set_u32(lookup, NFTNL_EXPR_LOOKUP_FLAGS, 0);
}

void RuleBuilder::Redirect(uint16_t port) {
  nftnl_expr* immediate = Add("immediate");
  nftnl_expr_set_u32(immediate, NFTNL_EXPR_IMM_DREG, NFT_REG_1);
  nftnl_expr_set(immediate, NFTNL_EXPR_IMM_DATA, &port, sizeof(port));
  nftnl_expr* redirect = Add("redir");
  nftnl_expr_set_u32(redirect, NFTNL_EXPR_REDIR_REG_PROTO_MIN, NFT_REG_1);
  nftnl_expr_set_u32(redirect, NFTNL_EXPR_REDIR_FLAGS, NF_NAT_RANGE_PROTO_SPECIFIED);
}

void RuleBuilder::Comment(const std::string& comment) {
  if (comment.empty()) return;
  // Type, length, text and its NUL (libnftnl/udata.h).
  std::string data{static_cast<char>(NFTNL_UDATA_RULE_COMMENT), static_cast<char>(comment.size() + 1)};
  data.append(comment.c_str(), comment.size() + 1);
  Stored(
      nftnl_rule_set_data(rule_.get(), NFTNL_RULE_USERDATA, data.data(), static_cast<uint32_t>(data.size())));
}

void RuleBuilder::Counter() {
  nftnl_expr* counter = Add("counter");
  nftnl_expr_set_u64(counter, NFTNL_EXPR_CTR_PACKETS, 0);
  nftnl_expr_set_u64(counter, NFTNL_EXPR_CTR_BYTES, 0);
}

void RuleBuilder::Verdict(int32_t code, const char* chain) {
  nftnl_expr* immediate = Add("immediate");
  nftnl_expr_set_u32(immediate, NFTNL_EXPR_IMM_DREG, NFT_REG_VERDICT);
  nftnl_expr_set_u32(immediate, NFTNL_EXPR_IMM_VERDICT, static_cast<uint32_t>(code));
  if (chain != nullptr) Stored(nftnl_expr_set_str(immediate, NFTNL_EXPR_IMM_CHAIN, chain));
}

void RuleBuilder::AddXt(const char* kind, const char* name, uint32_t revision, const void* info,
                        size_t size) {
  // match and target share their attribute numbers; the kernel wants the structure padded to XT_ALIGN.
  static_assert(static_cast<int>(NFTNL_EXPR_MT_INFO) == static_cast<int>(NFTNL_EXPR_TG_INFO));
  const auto padded = static_cast<uint32_t>(XT_ALIGN(size));
  std::unique_ptr<void, FreeDeleter> copy(Allocated(calloc(1, padded)));
  memcpy(copy.get(), info, size);

  nftnl_expr* extension = Add(kind);
  Stored(nftnl_expr_set_str(extension, NFTNL_EXPR_MT_NAME, name));
  nftnl_expr_set_u32(extension, NFTNL_EXPR_MT_REV, revision);
  // libnftnl takes the buffer itself and frees it with the expression.
  nftnl_expr_set(extension, NFTNL_EXPR_MT_INFO, copy.release(), padded);
}

void RuleBuilder::SetProtocol(uint8_t protocol) {
  nftnl_rule_set_u32(rule_.get(), NFTNL_RULE_COMPAT_PROTO, protocol);
  nftnl_rule_set_u32(rule_.get(), NFTNL_RULE_COMPAT_FLAGS, 0);
}

}  // namespace sluice::nft
