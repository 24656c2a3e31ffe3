// SPDX-License-Identifier: GPL-2.0-or-later

// The mode nft: rules as iptables-nft writes them, in the tables nat of both families.

#include <arpa/inet.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_nat.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/x_tables.h>
#include <linux/netfilter/xt_comment.h>
#include <linux/netfilter/xt_multiport.h>
#include <linux/netfilter/xt_owner.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "modes.h"
#include "netlink.h"

enum { DNAT_PRIORITY = -100, DESTINATION_OFFSET = 16, SUBNET_BYTES = 3, CHAINS = 4 };

static const uint8_t kFamilies[] = {NFPROTO_IPV4, NFPROTO_IPV6};
enum { FAMILIES = sizeof kFamilies };
static const char* const kTable = "nat";
static const char* const kBaseChains[] = {"PREROUTING", "OUTPUT"};

static struct netlink netlink;
static struct rules rules[FAMILIES];

static void prepare(struct lists lists) {
  for (int i = 0; i < FAMILIES; ++i) rules[i] = rules_of(lists, kFamilies[i] == NFPROTO_IPV6);
}

// A match or a target of x_tables.
static void extension(struct nftnl_rule* rule, const char* kind, const char* name, uint32_t revision,
                      const void* info, size_t size) {
  const uint32_t padded = XT_ALIGN(size);
  void* copy = calloc(1, padded);  // which libnftnl frees
  check(copy == NULL, "calloc");
  memcpy(copy, info, size);
  struct nftnl_expr* made = expression(rule, kind);
  nftnl_expr_set_str(made, NFTNL_EXPR_MT_NAME, name);
  nftnl_expr_set_u32(made, NFTNL_EXPR_MT_REV, revision);
  nftnl_expr_set(made, NFTNL_EXPR_MT_INFO, copy, padded);
}

static void redirect(struct nftnl_rule* encoded, const struct rule* rule, uint8_t family) {
  if (family == NFPROTO_IPV4) {
    struct nf_nat_ipv4_multi_range_compat range = {.rangesize = 1};
    range.range[0].flags = NF_NAT_RANGE_PROTO_SPECIFIED;
    range.range[0].min.all = range.range[0].max.all = htons(rule->to_port);
    extension(encoded, "target", "REDIRECT", 0, &range, sizeof range);
  } else {
    struct nf_nat_range range = {.flags = NF_NAT_RANGE_PROTO_SPECIFIED};
    range.min_proto.all = range.max_proto.all = htons(rule->to_port);
    extension(encoded, "target", "REDIRECT", 0, &range, sizeof range);
  }
}

static struct nftnl_rule* encode(const struct rule* rule, uint8_t family) {
  struct nftnl_rule* encoded = nftnl_rule_alloc();
  check(encoded == NULL, "nftnl_rule_alloc");
  if (rule->loopback) {
    meta(encoded, NFT_META_OIFNAME);
    compare(encoded, "lo", sizeof "lo");
  }
  if (rule->tcp) {
    const uint8_t tcp = IPPROTO_TCP;
    meta(encoded, NFT_META_L4PROTO);
    compare(encoded, &tcp, sizeof tcp);
    nftnl_rule_set_u32(encoded, NFTNL_RULE_COMPAT_PROTO, IPPROTO_TCP);
    nftnl_rule_set_u32(encoded, NFTNL_RULE_COMPAT_FLAGS, 0);
  }
  if (rule->subnet != 0) {
    payload(encoded, NFT_PAYLOAD_NETWORK_HEADER, DESTINATION_OFFSET, SUBNET_BYTES);
    compare(encoded, &rule->subnet, SUBNET_BYTES);
  }
  if (rule->uid != 0) {
    struct xt_owner_match_info info = {.match = XT_OWNER_UID, .uid_min = rule->uid, .uid_max = rule->uid};
    extension(encoded, "match", "owner", 1, &info, sizeof info);
  }
  if (rule->port_count > 0) {
    struct xt_multiport_v1 info = {.flags = XT_MULTIPORT_DESTINATION, .count = (uint8_t)rule->port_count};
    memcpy(info.ports, rule->ports, sizeof info.ports);
    extension(encoded, "match", "multiport", 1, &info, sizeof info);
  }
  struct xt_comment_info comment = {0};
  memcpy(comment.comment, rule->comment, strlen(rule->comment));
  extension(encoded, "match", "comment", 0, &comment, sizeof comment);
  counter(encoded);
  if (rule->verdict == REDIRECT) {
    redirect(encoded, rule, family);
  } else {
    verdict(encoded, rule->verdict == JUMP ? NFT_JUMP : NFT_RETURN, rule->target);
  }
  return encoded;
}

static void build(uint32_t generation) {
  batch_begin(&netlink, generation);
  for (int i = 0; i < FAMILIES; ++i) {
    const uint8_t family = kFamilies[i];
    add_table(&netlink, family, kTable);
    const char* chain = "";
    for (int j = 0; j < rules[i].count; ++j) {
      const struct rule* rule = &rules[i].rules[j];
      if (rule->chain != chain && rule->verdict == JUMP) {
        const uint32_t hook = strcmp(rule->chain, "OUTPUT") == 0 ? NF_INET_LOCAL_OUT : NF_INET_PRE_ROUTING;
        add_base_chain(&netlink, family, kTable, rule->chain, hook, DNAT_PRIORITY);
      } else if (rule->chain != chain) {
        add_chain(&netlink, family, kTable, rule->chain);
      }
      chain = rule->chain;
      add_rule(&netlink, family, kTable, chain, encode(rule, family));
    }
  }
}

static struct state read_state(void) {
  struct state state = {0};
  const char* const chains[CHAINS] = {kBaseChains[0], kBaseChains[1], kInboundChain, kOutboundChain};
  ask_generation(&netlink);
  for (int i = 0; i < FAMILIES; ++i) {
    ask_table(&netlink, kFamilies[i], kTable);
    for (int j = 0; j < CHAINS; ++j) ask_chain(&netlink, kFamilies[i], kTable, chains[j]);
  }
  ask(&netlink, count, &state);
  if (state.chains == 0) return state;
  for (int i = 0; i < FAMILIES; ++i) {
    for (int j = 0; j < CHAINS; ++j) {
      list_rules(&netlink, kFamilies[i], kTable, chains[j]);
      list(&netlink, count, &state);
    }
  }
  // A list may not show what changed while it was read.
  ask_generation(&netlink);
  ask(&netlink, count, &state);
  return state;
}

static long whole(void) {
  const long start = now();
  netlink_open(&netlink);
  const uint32_t generation = read_state().generation;
  build(generation);
  batch_commit(&netlink);
  const struct state state = read_state();
  check_read_back(state.generation != generation + 1 || state.tables != FAMILIES ||
                  state.chains != FAMILIES * CHAINS || state.rules != rules[0].count + rules[1].count);
  netlink_close(&netlink);
  return now() - start;
}

static long kernel(void) { return netlink_timed_commit(&netlink, build); }

const struct mode kNft = {"nft", prepare, whole, kernel};
