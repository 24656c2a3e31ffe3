// SPDX-License-Identifier: GPL-2.0-or-later
#include "nft/request.h"

#include <libnftnl/common.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nf_tables_compat.h>
#include <linux/netfilter/nfnetlink.h>

#include "nft/attribute.h"

namespace sluice::nft {
namespace {

// Names are at most NFT_NAME_MAXLEN each in what is read here, and no request holds anything else.
constexpr size_t kLargestRequest = 1024;

class Request {
 public:
  Request(uint16_t type, uint16_t family, uint16_t flags, uint32_t sequence)
      : bytes_(kLargestRequest),
        header_(nftnl_nlmsg_build_hdr(bytes_.data(), type, family, NLM_F_REQUEST | flags, sequence)) {}

  nlmsghdr* header() { return header_; }
  std::vector<char> Take() {
    bytes_.resize(MNL_ALIGN(header_->nlmsg_len));
    return std::move(bytes_);
  }

 private:
  std::vector<char> bytes_;
  nlmsghdr* header_;
};

// "match owner" for an extension of x_tables, else the expression's own name.
std::string NameOf(const nlattr* expression) {
  std::string name;
  ForEachNested(expression, [&](const nlattr* attribute) {
    const uint16_t type = mnl_attr_get_type(attribute);
    if (type == NFTA_EXPR_NAME) name = TextIn(attribute);
    if (type != NFTA_EXPR_DATA || (name != "match" && name != "target")) return;
    ForEachNested(attribute, [&](const nlattr* info) {
      static_assert(static_cast<int>(NFTA_MATCH_NAME) == static_cast<int>(NFTA_TARGET_NAME));
      if (mnl_attr_get_type(info) == NFTA_MATCH_NAME) name.append(" ").append(TextIn(info));
    });
  });
  return name;
}

// The attribute that names the table has one number in messages of every kind.
constexpr uint16_t kTableName = NFTA_RULE_TABLE;
static_assert(kTableName == static_cast<int>(NFTA_CHAIN_TABLE) &&
              kTableName == static_cast<int>(NFTA_SET_TABLE) &&
              kTableName == static_cast<int>(NFTA_OBJ_TABLE) &&
              kTableName == static_cast<int>(NFTA_FLOWTABLE_TABLE));

// Lists what the table has of one kind.
std::vector<char> DumpOf(uint16_t type, const TableId& table, uint32_t sequence) {
  Request request(type, table.protocol, NLM_F_DUMP, sequence);
  mnl_attr_put_strz(request.header(), kTableName, table.name.c_str());
  return request.Take();
}

}  // namespace

TableId IdOf(const Table& table) {
  const uint16_t protocol =
      table.family ? ProtocolFamily(*table.family) : static_cast<uint16_t>(NFPROTO_INET);
  return {protocol, table.name};
}

uint16_t ProtocolFamily(Family family) { return family == Family::kIpv4 ? NFPROTO_IPV4 : NFPROTO_IPV6; }

std::optional<Family> FamilyOf(const TableId& table) {
  if (table.protocol == NFPROTO_IPV4) return Family::kIpv4;
  if (table.protocol == NFPROTO_IPV6) return Family::kIpv6;
  return std::nullopt;
}

uint32_t HookNumber(Hook hook) { return hook == Hook::kPrerouting ? NF_INET_PRE_ROUTING : NF_INET_LOCAL_OUT; }

std::vector<char> GetGeneration(uint32_t sequence) {
  return Request(NFT_MSG_GETGEN, NFPROTO_UNSPEC, 0, sequence).Take();
}

std::vector<char> GetTable(const TableId& table, uint32_t sequence) {
  Request request(NFT_MSG_GETTABLE, table.protocol, 0, sequence);
  mnl_attr_put_strz(request.header(), NFTA_TABLE_NAME, table.name.c_str());
  return request.Take();
}

std::vector<char> GetChain(const TableId& table, const std::string& chain, uint32_t sequence) {
  Request request(NFT_MSG_GETCHAIN, table.protocol, 0, sequence);
  mnl_attr_put_strz(request.header(), NFTA_CHAIN_TABLE, table.name.c_str());
  mnl_attr_put_strz(request.header(), NFTA_CHAIN_NAME, chain.c_str());
  return request.Take();
}

std::vector<char> DumpRules(const TableId& table, const std::string& chain, uint32_t sequence) {
  Request request(NFT_MSG_GETRULE, table.protocol, NLM_F_DUMP, sequence);
  mnl_attr_put_strz(request.header(), NFTA_RULE_TABLE, table.name.c_str());
  mnl_attr_put_strz(request.header(), NFTA_RULE_CHAIN, chain.c_str());
  return request.Take();
}

std::vector<char> DumpChains(const TableId& table, uint32_t sequence) {
  return Request(NFT_MSG_GETCHAIN, table.protocol, NLM_F_DUMP, sequence).Take();
}

std::vector<char> DumpRules(const TableId& table, uint32_t sequence) {
  return DumpOf(NFT_MSG_GETRULE, table, sequence);
}

std::vector<char> DumpObjects(const TableId& table, uint32_t sequence) {
  return DumpOf(NFT_MSG_GETOBJ, table, sequence);
}

std::vector<char> DumpFlowTables(const TableId& table, uint32_t sequence) {
  return DumpOf(NFT_MSG_GETFLOWTABLE, table, sequence);
}

std::vector<char> GetSet(const TableId& table, const std::string& set, uint32_t sequence) {
  Request request(NFT_MSG_GETSET, table.protocol, 0, sequence);
  mnl_attr_put_strz(request.header(), NFTA_SET_TABLE, table.name.c_str());
  mnl_attr_put_strz(request.header(), NFTA_SET_NAME, set.c_str());
  return request.Take();
}

std::vector<char> DumpSets(const TableId& table, uint32_t sequence) {
  return DumpOf(NFT_MSG_GETSET, table, sequence);
}

std::vector<char> DumpElements(const TableId& table, const std::string& set, uint32_t sequence) {
  Request request(NFT_MSG_GETSETELEM, table.protocol, NLM_F_DUMP, sequence);
  mnl_attr_put_strz(request.header(), NFTA_SET_ELEM_LIST_TABLE, table.name.c_str());
  mnl_attr_put_strz(request.header(), NFTA_SET_ELEM_LIST_SET, set.c_str());
  return request.Take();
}

std::string TableNameIn(const nlmsghdr* message) {
  std::string name;
  ForEachAttributeOf(message, [&](const nlattr* attribute) {
    if (mnl_attr_get_type(attribute) == kTableName) name = TextIn(attribute);
  });
  return name;
}

std::string ExpressionAt(const nlmsghdr* message, uint32_t offset) {
  const char* target = reinterpret_cast<const char*>(message) + offset;
  std::string name;
  ForEachAttributeOf(message, [&](const nlattr* attribute) {
    if (mnl_attr_get_type(attribute) != NFTA_RULE_EXPRESSIONS) return;
    ForEachNested(attribute, [&](const nlattr* expression) {
      const char* start = reinterpret_cast<const char*>(expression);
      if (target >= start && target < start + mnl_attr_get_len(expression)) name = NameOf(expression);
    });
  });
  return name;
}

}  // namespace sluice::nft
