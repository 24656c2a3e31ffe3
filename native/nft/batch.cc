// SPDX-License-Identifier: GPL-2.0-or-later
#include "nft/batch.h"

#include <arpa/inet.h>
#include <libnftnl/common.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>

#include <cerrno>
#include <cstring>

#include "core/error.h"
#include "nft/request.h"

namespace sluice::nft {
namespace {

// Room that a message may need: a rule holds one multiport, owner, comment and target at most, below 2 KiB.
constexpr size_t kLargestMessage = 8 * 1024;

}  // namespace

Batch::Batch(Connection& connection, uint32_t generation) : connection_(connection) {
  Boundary(NFNL_MSG_BATCH_BEGIN, generation);
}

void Batch::Reserve() {
  if (bytes_.size() - used_ >= kLargestMessage) return;
  bytes_.resize(bytes_.size() * 2 + 2 * kLargestMessage);
}

void Batch::Boundary(uint16_t type, std::optional<uint32_t> generation) {
  Reserve();
  nlmsghdr* header = mnl_nlmsg_put_header(bytes_.data() + used_);
  header->nlmsg_type = type;
  header->nlmsg_flags = NLM_F_REQUEST;
  header->nlmsg_seq = connection_.NextSequence();
  if (first_sequence_ == 0) first_sequence_ = header->nlmsg_seq;
  auto* payload = static_cast<nfgenmsg*>(mnl_nlmsg_put_extra_header(header, sizeof(nfgenmsg)));
  payload->nfgen_family = AF_UNSPEC;
  payload->version = NFNETLINK_V0;
  payload->res_id = htons(NFNL_SUBSYS_NFTABLES);
  if (generation) mnl_attr_put_u32(header, NFNL_BATCH_GENID, htonl(*generation));
  subjects_.push_back({Subject::Kind::kBatch, Family::kIpv4, "", "", std::nullopt});
  starts_.push_back(used_);
  used_ += MNL_ALIGN(header->nlmsg_len);
}

nlmsghdr* Batch::Begin(uint16_t type, uint16_t flags, const Subject& subject) {
  Reserve();
  subjects_.push_back(subject);
  starts_.push_back(used_);
  last_ = used_;
  ++count_;
  return nftnl_nlmsg_build_hdr(bytes_.data() + used_, type, ProtocolFamily(subject.family),
                               NLM_F_REQUEST | flags, connection_.NextSequence());
}

void Batch::End(nlmsghdr* header) { used_ += MNL_ALIGN(header->nlmsg_len); }

void Batch::AddTable(const Subject& subject) {
  const TableHandle table = NewTable();
  nftnl_table_set_str(table.get(), NFTNL_TABLE_NAME, subject.table.c_str());
  nlmsghdr* header = Begin(NFT_MSG_NEWTABLE, NLM_F_CREATE, subject);
  nftnl_table_nlmsg_build_payload(header, table.get());
  End(header);
}

void Batch::AddBaseChain(const Subject& subject, const BaseChain& base) {
  const ChainHandle chain = NewChain();
  nftnl_chain_set_str(chain.get(), NFTNL_CHAIN_TABLE, subject.table.c_str());
  nftnl_chain_set_str(chain.get(), NFTNL_CHAIN_NAME, base.name.c_str());
  nftnl_chain_set_str(chain.get(), NFTNL_CHAIN_TYPE, "nat");
  nftnl_chain_set_u32(chain.get(), NFTNL_CHAIN_HOOKNUM, HookNumber(base.hook));
  nftnl_chain_set_s32(chain.get(), NFTNL_CHAIN_PRIO, base.priority);
  nftnl_chain_set_u32(chain.get(), NFTNL_CHAIN_POLICY, NF_ACCEPT);
  nlmsghdr* header = Begin(NFT_MSG_NEWCHAIN, NLM_F_CREATE, subject);
  nftnl_chain_nlmsg_build_payload(header, chain.get());
  End(header);
}

void Batch::AddChain(const Subject& subject) {
  const ChainHandle chain = NewChain();
  nftnl_chain_set_str(chain.get(), NFTNL_CHAIN_TABLE, subject.table.c_str());
  nftnl_chain_set_str(chain.get(), NFTNL_CHAIN_NAME, subject.chain.c_str());
  nlmsghdr* header = Begin(NFT_MSG_NEWCHAIN, NLM_F_CREATE, subject);
  nftnl_chain_nlmsg_build_payload(header, chain.get());
  End(header);
}

void Batch::DeleteChain(const Subject& subject) {
  const ChainHandle chain = NewChain();
  nftnl_chain_set_str(chain.get(), NFTNL_CHAIN_TABLE, subject.table.c_str());
  nftnl_chain_set_str(chain.get(), NFTNL_CHAIN_NAME, subject.chain.c_str());
  nlmsghdr* header = Begin(NFT_MSG_DELCHAIN, 0, subject);
  nftnl_chain_nlmsg_build_payload(header, chain.get());
  End(header);
}

void Batch::AddRule(const Subject& subject, nftnl_rule* rule) {
  nftnl_rule_set_str(rule, NFTNL_RULE_TABLE, subject.table.c_str());
  nftnl_rule_set_str(rule, NFTNL_RULE_CHAIN, subject.chain.c_str());
  nlmsghdr* header = Begin(NFT_MSG_NEWRULE, NLM_F_CREATE | NLM_F_APPEND, subject);
  nftnl_rule_nlmsg_build_payload(header, rule);
  End(header);
}

void Batch::DeleteRule(const Subject& subject, uint64_t handle) {
  const RuleHandle rule = NewRule();
  nftnl_rule_set_str(rule.get(), NFTNL_RULE_TABLE, subject.table.c_str());
  nftnl_rule_set_str(rule.get(), NFTNL_RULE_CHAIN, subject.chain.c_str());
  if (handle != 0) nftnl_rule_set_u64(rule.get(), NFTNL_RULE_HANDLE, handle);
  nlmsghdr* header = Begin(NFT_MSG_DELRULE, 0, subject);
  nftnl_rule_nlmsg_build_payload(header, rule.get());
  End(header);
}

// Without a handle the kernel deletes every rule of the chain.
void Batch::FlushChain(const Subject& subject) { DeleteRule(subject, 0); }

std::optional<std::vector<Refusal>> Batch::Commit() {
  // One answer is enough: it comes even when the batch failed, so success is no error before it.
  reinterpret_cast<nlmsghdr*>(bytes_.data() + last_)->nlmsg_flags |= NLM_F_ACK;
  Boundary(NFNL_MSG_BATCH_END, std::nullopt);
  bytes_.resize(used_);
  connection_.Send(bytes_);
  std::vector<Refusal> refusals;
  bool answered = false;
  const auto on_refusal = [&](const Refusal& refusal) {
    answered = true;
    if (refusal.error_number != 0) refusals.push_back(refusal);
  };
  try {
    while (connection_.Receive([](const nlmsghdr*) {}, on_refusal)) {
    }
  } catch (const Error&) {
    // The kernel has worked already; only its answer is lost.
    if (refusals.empty()) return std::nullopt;
  }
  if (!answered) return std::nullopt;
  return refusals;
}

const Subject* Batch::SubjectOf(const Refusal& refusal) const {
  const size_t index = refusal.sequence - first_sequence_;
  return index < subjects_.size() ? &subjects_[index] : nullptr;
}

std::string Batch::PartOf(const Refusal& refusal) const {
  const size_t index = refusal.sequence - first_sequence_;
  if (index >= starts_.size() || subjects_[index].kind != Subject::Kind::kRule ||
      refusal.attribute_offset == 0) {
    return "";
  }
  const auto* message = reinterpret_cast<const nlmsghdr*>(bytes_.data() + starts_[index]);
  return ExpressionAt(message, refusal.attribute_offset);
}

}  // namespace sluice::nft
