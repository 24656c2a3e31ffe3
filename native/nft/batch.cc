// SPDX-License-Identifier: GPL-2.0-or-later
#include "nft/batch.h"

#include <arpa/inet.h>
#include <libnftnl/common.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <exception>

#include "core/error.h"
#include "nft/request.h"

namespace sluice::nft {
namespace {

// Room that a message may need: a rule holds one multiport, owner, comment and target at most, below 2 KiB;
// elements of a set take up to 40 bytes each.
constexpr size_t kLargestMessage = 32 * 1024;
constexpr size_t kElementsAtOnce = 512;

}  // namespace

uint32_t KeyType(SetType type) {
  // include/datatype.h of nftables
  switch (type) {
    case SetType::kPorts:
      return 13;  // inet_service
    case SetType::kIpv4:
      return 7;  // ipv4_addr
    case SetType::kIpv6:
      return 8;  // ipv6_addr
  }
  return 0;
}

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
  subjects_.push_back({Subject::Kind::kBatch, {NFPROTO_UNSPEC, ""}, "", std::nullopt});
  starts_.push_back(used_);
  used_ += MNL_ALIGN(header->nlmsg_len);
}

nlmsghdr* Batch::Begin(uint16_t type, uint16_t flags, const Subject& subject) {
  Reserve();
  subjects_.push_back(subject);
  starts_.push_back(used_);
  last_ = used_;
  ++count_;
  return nftnl_nlmsg_build_hdr(bytes_.data() + used_, type, subject.table.protocol, NLM_F_REQUEST | flags,
                               connection_.NextSequence());
}

void Batch::End(nlmsghdr* header) { used_ += MNL_ALIGN(header->nlmsg_len); }

void Batch::AddTable(const Subject& subject) {
  const TableHandle table = NewTable();
  Stored(nftnl_table_set_str(table.get(), NFTNL_TABLE_NAME, subject.table.name.c_str()));
  nlmsghdr* header = Begin(NFT_MSG_NEWTABLE, NLM_F_CREATE, subject);
  nftnl_table_nlmsg_build_payload(header, table.get());
  End(header);
}

void Batch::DeleteTable(const Subject& subject) {
  const TableHandle table = NewTable();
  Stored(nftnl_table_set_str(table.get(), NFTNL_TABLE_NAME, subject.table.name.c_str()));
  nlmsghdr* header = Begin(NFT_MSG_DELTABLE, 0, subject);
  nftnl_table_nlmsg_build_payload(header, table.get());
  End(header);
}

void Batch::AddSet(const Subject& subject, SetType type) {
  const SetHandle set = NewSet();
  Stored(nftnl_set_set_str(set.get(), NFTNL_SET_TABLE, subject.table.name.c_str()));
  Stored(nftnl_set_set_str(set.get(), NFTNL_SET_NAME, subject.set.c_str()));
  nftnl_set_set_u32(set.get(), NFTNL_SET_FLAGS, NFT_SET_INTERVAL);
  nftnl_set_set_u32(set.get(), NFTNL_SET_KEY_TYPE, KeyType(type));
  nftnl_set_set_u32(set.get(), NFTNL_SET_KEY_LEN, static_cast<uint32_t>(ElementSize(type)));
  // The kernel insists on a number by which rules of the same batch may call it; ours call it by its name.
  nftnl_set_set_u32(set.get(), NFTNL_SET_ID, count_ + 1);
  nlmsghdr* header = Begin(NFT_MSG_NEWSET, NLM_F_CREATE, subject);
  nftnl_set_nlmsg_build_payload(header, set.get());
  End(header);
}

void Batch::DeleteSet(const Subject& subject) {
  nlmsghdr* header = Begin(NFT_MSG_DELSET, 0, subject);
  mnl_attr_put_strz(header, NFTA_SET_TABLE, subject.table.name.c_str());
  mnl_attr_put_strz(header, NFTA_SET_NAME, subject.set.c_str());
  End(header);
}

void Batch::AddElements(const Subject& subject, SetType type, const std::vector<Border>& borders) {
  PutElements(NFT_MSG_NEWSETELEM, NLM_F_CREATE, subject, type, borders);
}

void Batch::DeleteElements(const Subject& subject, SetType type, const std::vector<Border>& borders) {
  PutElements(NFT_MSG_DELSETELEM, 0, subject, type, borders);
}

// Without elements the kernel deletes all of them.
void Batch::FlushSet(const Subject& subject) {
  nlmsghdr* header = Begin(NFT_MSG_DELSETELEM, 0, subject);
  mnl_attr_put_strz(header, NFTA_SET_ELEM_LIST_TABLE, subject.table.name.c_str());
  mnl_attr_put_strz(header, NFTA_SET_ELEM_LIST_SET, subject.set.c_str());
  End(header);
}

void Batch::PutElements(uint16_t message, uint16_t flags, const Subject& subject, SetType type,
                        const std::vector<Border>& borders) {
  const size_t size = ElementSize(type);
  size_t end = 0;
  for (size_t begin = 0; begin < borders.size(); begin = end) {
    end = std::min(begin + kElementsAtOnce, borders.size());
    // Not within an interval: a start that is last in its message may be taken for one without an end.
    while (end < borders.size() && borders[end].end) ++end;
    nlmsghdr* header = Begin(message, flags, subject);
    mnl_attr_put_strz(header, NFTA_SET_ELEM_LIST_TABLE, subject.table.name.c_str());
    mnl_attr_put_strz(header, NFTA_SET_ELEM_LIST_SET, subject.set.c_str());
    nlattr* list = mnl_attr_nest_start(header, NFTA_SET_ELEM_LIST_ELEMENTS);
    for (size_t i = begin; i < end; ++i) {
      nlattr* element = mnl_attr_nest_start(header, NFTA_LIST_ELEM);
      if (borders[i].end) mnl_attr_put_u32(header, NFTA_SET_ELEM_FLAGS, htonl(NFT_SET_ELEM_INTERVAL_END));
      nlattr* key = mnl_attr_nest_start(header, NFTA_SET_ELEM_KEY);
      mnl_attr_put(header, NFTA_DATA_VALUE, size, borders[i].key.data());
      mnl_attr_nest_end(header, key);
      mnl_attr_nest_end(header, element);
    }
    mnl_attr_nest_end(header, list);
    End(header);
  }
}

void Batch::AddBaseChain(const Subject& subject, const BaseChain& base) {
  const ChainHandle chain = NewChain();
  Stored(nftnl_chain_set_str(chain.get(), NFTNL_CHAIN_TABLE, subject.table.name.c_str()));
  Stored(nftnl_chain_set_str(chain.get(), NFTNL_CHAIN_NAME, base.name.c_str()));
  Stored(nftnl_chain_set_str(chain.get(), NFTNL_CHAIN_TYPE, "nat"));
  nftnl_chain_set_u32(chain.get(), NFTNL_CHAIN_HOOKNUM, HookNumber(base.hook));
  nftnl_chain_set_s32(chain.get(), NFTNL_CHAIN_PRIO, base.priority);
  nftnl_chain_set_u32(chain.get(), NFTNL_CHAIN_POLICY, NF_ACCEPT);
  nlmsghdr* header = Begin(NFT_MSG_NEWCHAIN, NLM_F_CREATE, subject);
  nftnl_chain_nlmsg_build_payload(header, chain.get());
  End(header);
}

void Batch::AddChain(const Subject& subject) {
  const ChainHandle chain = NewChain();
  Stored(nftnl_chain_set_str(chain.get(), NFTNL_CHAIN_TABLE, subject.table.name.c_str()));
  Stored(nftnl_chain_set_str(chain.get(), NFTNL_CHAIN_NAME, subject.chain.c_str()));
  nlmsghdr* header = Begin(NFT_MSG_NEWCHAIN, NLM_F_CREATE, subject);
  nftnl_chain_nlmsg_build_payload(header, chain.get());
  End(header);
}

void Batch::DeleteChain(const Subject& subject) {
  const ChainHandle chain = NewChain();
  Stored(nftnl_chain_set_str(chain.get(), NFTNL_CHAIN_TABLE, subject.table.name.c_str()));
  Stored(nftnl_chain_set_str(chain.get(), NFTNL_CHAIN_NAME, subject.chain.c_str()));
  nlmsghdr* header = Begin(NFT_MSG_DELCHAIN, 0, subject);
  nftnl_chain_nlmsg_build_payload(header, chain.get());
  End(header);
}

void Batch::AddRule(const Subject& subject, nftnl_rule* rule) {
  Stored(nftnl_rule_set_str(rule, NFTNL_RULE_TABLE, subject.table.name.c_str()));
  Stored(nftnl_rule_set_str(rule, NFTNL_RULE_CHAIN, subject.chain.c_str()));
  nlmsghdr* header = Begin(NFT_MSG_NEWRULE, NLM_F_CREATE | NLM_F_APPEND, subject);
  nftnl_rule_nlmsg_build_payload(header, rule);
  End(header);
}

void Batch::InsertRule(const Subject& subject, nftnl_rule* rule, uint64_t next) {
  Stored(nftnl_rule_set_str(rule, NFTNL_RULE_TABLE, subject.table.name.c_str()));
  Stored(nftnl_rule_set_str(rule, NFTNL_RULE_CHAIN, subject.chain.c_str()));
  nftnl_rule_set_u64(rule, NFTNL_RULE_POSITION, next);
  nlmsghdr* header = Begin(NFT_MSG_NEWRULE, NLM_F_CREATE, subject);
  nftnl_rule_nlmsg_build_payload(header, rule);
  End(header);
  nftnl_rule_unset(rule, NFTNL_RULE_POSITION);  // the next attempt may append it
}

void Batch::DeleteRule(const Subject& subject, uint64_t handle) {
  const RuleHandle rule = NewRule();
  Stored(nftnl_rule_set_str(rule.get(), NFTNL_RULE_TABLE, subject.table.name.c_str()));
  Stored(nftnl_rule_set_str(rule.get(), NFTNL_RULE_CHAIN, subject.chain.c_str()));
  if (handle != 0) nftnl_rule_set_u64(rule.get(), NFTNL_RULE_HANDLE, handle);
  nlmsghdr* header = Begin(NFT_MSG_DELRULE, 0, subject);
  nftnl_rule_nlmsg_build_payload(header, rule.get());
  End(header);
}

// Without a handle the kernel deletes every rule of the chain.
void Batch::FlushChain(const Subject& subject) { DeleteRule(subject, 0); }

std::optional<std::vector<Refusal>> Batch::Commit() {
  AskForAnswer();
  Boundary(NFNL_MSG_BATCH_END, std::nullopt);
  return Send();
}

std::optional<std::vector<Refusal>> Batch::Rehearse() {
  AskForAnswer();
  return Send();
}

// One answer is enough: it comes even when the batch failed, so success is no error before it.
void Batch::AskForAnswer() { reinterpret_cast<nlmsghdr*>(bytes_.data() + last_)->nlmsg_flags |= NLM_F_ACK; }

std::optional<std::vector<Refusal>> Batch::Send() {
  bytes_.resize(used_);
  const auto start = std::chrono::steady_clock::now();
  std::vector<Refusal> refusals;
  refusals.reserve(1);  // one is enough to know that nothing has changed
  connection_.Send(bytes_);
  bool answered = false;
  const auto on_refusal = [&](const Refusal& refusal) {
    answered = true;
    if (refusal.error_number != 0) refusals.push_back(refusal);
  };
  try {
    while (connection_.Receive([](const nlmsghdr*) {}, on_refusal)) {
    }
  } catch (const std::exception&) {
    // The kernel has worked already; only its answer is lost, or there was no memory to read it.
    if (refusals.empty()) return std::nullopt;
  }
  kernel_time_ =
      std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::steady_clock::now() - start);
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
