// SPDX-License-Identifier: GPL-2.0-or-later

// The mode nftables: one table for both families, with sets.

#include <arpa/inet.h>
#include <libnftnl/set.h>
#include <libnftnl/udata.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_nat.h>
#include <linux/netfilter/nf_tables.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "modes.h"
#include "netlink.h"

enum {
  PRIORITY = -101,
  PORT_OFFSET = 2,
  TCP_FLAGS_OFFSET = 13,
  DESTINATION_OFFSET = 16,
  TYPE_IPV4_ADDRESS = 7,  // nft's numbers of types
  TYPE_PORT = 13,
  ELEMENTS_AT_ONCE = 1000,
  MOST_SETS = 3,
  CHAINS = 4,
  RULES_WITHOUT_SETS = 6,
};

static const char* const kTable = "sluice";

struct interval {
  uint32_t first, end;  // in network order, of the key's size; the end is not in it
};
struct set {
  const char* name;
  uint32_t type, size;
  struct interval* intervals;
  int count;
};

static struct netlink netlink;
static struct set sets[MOST_SETS];
static int set_count;

static struct interval ports(uint32_t first, uint32_t last) {
  return (struct interval){htons((uint16_t)first), htons((uint16_t)(last + 1))};
}

static struct set* add_to_sets(const char* name, uint32_t type, uint32_t size, int count) {
  struct set* set = &sets[set_count++];
  *set = (struct set){name, type, size, calloc((size_t)count, sizeof(struct interval)), count};
  check(set->intervals == NULL, "calloc");
  return set;
}

static void prepare(struct lists lists) {
  struct set* inbound = add_to_sets("inbound_skip_ports", TYPE_PORT, sizeof(uint16_t), 2);
  inbound->intervals[0] = ports(4190, 4191);
  inbound->intervals[1] = ports(4567, 4568);
  if (lists.skipped_ports == 0 && lists.skipped_subnets == 0) {
    add_to_sets("outbound_skip_ports", TYPE_PORT, sizeof(uint16_t), 1)->intervals[0] = ports(4567, 4568);
  }
  if (lists.skipped_ports > 0) {
    struct set* set = add_to_sets("outbound_skip_ports", TYPE_PORT, sizeof(uint16_t), lists.skipped_ports);
    for (int i = 0; i < set->count; ++i) set->intervals[i] = ports(listed_port(i), listed_port(i));
  }
  if (lists.skipped_subnets > 0) {
    struct set* set =
        add_to_sets("outbound_skip_subnets4", TYPE_IPV4_ADDRESS, sizeof(uint32_t), lists.skipped_subnets);
    for (int i = 0; i < set->count; ++i) {
      const uint32_t first = listed_subnet(i);
      set->intervals[i] = (struct interval){first, htonl(ntohl(first) + 256)};
    }
  }
}

static void put_set(const struct set* set) {
  struct nftnl_set* made = nftnl_set_alloc();
  nftnl_set_set_str(made, NFTNL_SET_TABLE, kTable);
  nftnl_set_set_str(made, NFTNL_SET_NAME, set->name);
  nftnl_set_set_u32(made, NFTNL_SET_FLAGS, NFT_SET_INTERVAL);
  nftnl_set_set_u32(made, NFTNL_SET_KEY_TYPE, set->type);
  nftnl_set_set_u32(made, NFTNL_SET_KEY_LEN, set->size);
  nftnl_set_set_u32(made, NFTNL_SET_ID, netlink.sequence);
  struct nlmsghdr* header = message_begin(&netlink, NFT_MSG_NEWSET, NFPROTO_INET, NLM_F_CREATE);
  nftnl_set_nlmsg_build_payload(header, made);
  nftnl_set_free(made);
  message_end(&netlink, header);
}

static void put_element(struct nlmsghdr* header, const void* key, uint32_t size, bool end) {
  struct nlattr* element = mnl_attr_nest_start(header, NFTA_LIST_ELEM);
  if (end) mnl_attr_put_u32(header, NFTA_SET_ELEM_FLAGS, htonl(NFT_SET_ELEM_INTERVAL_END));
  struct nlattr* value = mnl_attr_nest_start(header, NFTA_SET_ELEM_KEY);
  mnl_attr_put(header, NFTA_DATA_VALUE, size, key);
  mnl_attr_nest_end(header, value);
  mnl_attr_nest_end(header, element);
}

static void put_elements(const struct set* set) {
  for (int first = 0; first < set->count; first += ELEMENTS_AT_ONCE) {
    const int end = first + ELEMENTS_AT_ONCE < set->count ? first + ELEMENTS_AT_ONCE : set->count;
    struct nlmsghdr* header = message_begin(&netlink, NFT_MSG_NEWSETELEM, NFPROTO_INET, NLM_F_CREATE);
    mnl_attr_put_strz(header, NFTA_SET_ELEM_LIST_TABLE, kTable);
    mnl_attr_put_strz(header, NFTA_SET_ELEM_LIST_SET, set->name);
    struct nlattr* elements = mnl_attr_nest_start(header, NFTA_SET_ELEM_LIST_ELEMENTS);
    // nft begins what does not begin at zero with an end there.
    const uint32_t zero = 0;
    if (first == 0) put_element(header, &zero, set->size, true);
    for (int i = first; i < end; ++i) {
      put_element(header, &set->intervals[i].first, set->size, false);
      put_element(header, &set->intervals[i].end, set->size, true);
    }
    mnl_attr_nest_end(header, elements);
    message_end(&netlink, header);
  }
}

static struct nftnl_rule* begin_rule(void) {
  struct nftnl_rule* rule = nftnl_rule_alloc();
  check(rule == NULL, "nftnl_rule_alloc");
  return rule;
}

static void match_tcp(struct nftnl_rule* rule) {
  const uint8_t tcp = IPPROTO_TCP;
  meta(rule, NFT_META_L4PROTO);
  compare(rule, &tcp, sizeof tcp);
}

static void end_rule(struct nftnl_rule* rule, const char* chain, const char* comment) {
  char text[MAX_COMMENT + 1] = {NFTNL_UDATA_RULE_COMMENT};
  const int length = snprintf(text + 2, sizeof text - 2, "proxy-init/%s", comment) + 1;
  text[1] = (char)length;
  nftnl_rule_set_data(rule, NFTNL_RULE_USERDATA, text, (uint32_t)length + 2);
  add_rule(&netlink, NFPROTO_INET, kTable, chain, rule);
}

static void put_jump(const char* from, const char* to, const char* comment) {
  const uint8_t mask = 0x17, syn = 0x02, zero = 0;
  struct nftnl_rule* rule = begin_rule();
  match_tcp(rule);
  payload(rule, NFT_PAYLOAD_TRANSPORT_HEADER, TCP_FLAGS_OFFSET, 1);
  struct nftnl_expr* bitwise = expression(rule, "bitwise");
  nftnl_expr_set_u32(bitwise, NFTNL_EXPR_BITWISE_SREG, NFT_REG_1);
  nftnl_expr_set_u32(bitwise, NFTNL_EXPR_BITWISE_DREG, NFT_REG_1);
  nftnl_expr_set_u32(bitwise, NFTNL_EXPR_BITWISE_LEN, 1);
  nftnl_expr_set(bitwise, NFTNL_EXPR_BITWISE_MASK, &mask, 1);
  nftnl_expr_set(bitwise, NFTNL_EXPR_BITWISE_XOR, &zero, 1);
  compare(rule, &syn, 1);
  counter(rule);
  verdict(rule, NFT_JUMP, to);
  end_rule(rule, from, comment);
}

static void put_return(struct nftnl_rule* rule, const char* chain, const char* comment) {
  counter(rule);
  verdict(rule, NFT_RETURN, NULL);
  end_rule(rule, chain, comment);
}

static void put_redirect(const char* chain, uint16_t to_port, const char* comment) {
  struct nftnl_rule* rule = begin_rule();
  match_tcp(rule);
  counter(rule);
  const uint16_t port = htons(to_port);
  struct nftnl_expr* immediate = expression(rule, "immediate");
  nftnl_expr_set_u32(immediate, NFTNL_EXPR_IMM_DREG, NFT_REG_1);
  nftnl_expr_set(immediate, NFTNL_EXPR_IMM_DATA, &port, sizeof port);
  struct nftnl_expr* redirect = expression(rule, "redir");
  nftnl_expr_set_u32(redirect, NFTNL_EXPR_REDIR_REG_PROTO_MIN, NFT_REG_1);
  nftnl_expr_set_u32(redirect, NFTNL_EXPR_REDIR_FLAGS, NF_NAT_RANGE_PROTO_SPECIFIED);
  end_rule(rule, chain, comment);
}

static void put_lookup(const struct set* set) {
  struct nftnl_rule* rule = begin_rule();
  const bool is_ports = set->type == TYPE_PORT;
  if (is_ports) {
    match_tcp(rule);
    payload(rule, NFT_PAYLOAD_TRANSPORT_HEADER, PORT_OFFSET, set->size);
  } else {
    const uint8_t ipv4 = NFPROTO_IPV4;
    meta(rule, NFT_META_NFPROTO);
    compare(rule, &ipv4, sizeof ipv4);
    payload(rule, NFT_PAYLOAD_NETWORK_HEADER, DESTINATION_OFFSET, set->size);
  }
  struct nftnl_expr* lookup = expression(rule, "lookup");
  nftnl_expr_set_u32(lookup, NFTNL_EXPR_LOOKUP_SREG, NFT_REG_1);
  nftnl_expr_set_str(lookup, NFTNL_EXPR_LOOKUP_SET, set->name);
  nftnl_expr_set_u32(lookup, NFTNL_EXPR_LOOKUP_FLAGS, 0);
  put_return(rule, strncmp(set->name, "in", 2) == 0 ? "inbound" : "outbound",
             is_ports ? "ignore-ports" : "ignore-subnets");
}

static void build(uint32_t generation) {
  batch_begin(&netlink, generation);
  add_table(&netlink, NFPROTO_INET, kTable);
  for (int i = 0; i < set_count; ++i) {
    put_set(&sets[i]);
    put_elements(&sets[i]);
  }
  add_base_chain(&netlink, NFPROTO_INET, kTable, "prerouting", NF_INET_PRE_ROUTING, PRIORITY);
  add_base_chain(&netlink, NFPROTO_INET, kTable, "output", NF_INET_LOCAL_OUT, PRIORITY);
  add_chain(&netlink, NFPROTO_INET, kTable, "inbound");
  add_chain(&netlink, NFPROTO_INET, kTable, "outbound");
  put_jump("prerouting", "inbound", "install-proxy-init-prerouting");
  put_jump("output", "outbound", "install-proxy-init-output");
  put_lookup(&sets[0]);
  put_redirect("inbound", INBOUND_PORT, "redirect-all-incoming-to-proxy-port");

  const uint32_t uid = PROXY_UID;
  struct nftnl_rule* own = begin_rule();
  meta(own, NFT_META_SKUID);
  compare(own, &uid, sizeof uid);
  put_return(own, "outbound", "ignore-proxy-user-id");
  struct nftnl_rule* loopback = begin_rule();
  meta(loopback, NFT_META_OIFNAME);
  compare(loopback, "lo", sizeof "lo");
  put_return(loopback, "outbound", "ignore-loopback");
  for (int i = 1; i < set_count; ++i) put_lookup(&sets[i]);
  put_redirect("outbound", OUTBOUND_PORT, "redirect-all-outgoing-to-proxy-port");
}

static void count_elements(const struct nlmsghdr* message, void* data) {
  struct state* state = data;
  struct nftnl_set* set = nftnl_set_alloc();
  if (nftnl_set_elems_nlmsg_parse(message, set) == 0) {
    struct nftnl_set_elems_iter* each = nftnl_set_elems_iter_create(set);
    while (nftnl_set_elems_iter_next(each) != NULL) ++state->elements;
    nftnl_set_elems_iter_destroy(each);
  }
  nftnl_set_free(set);
}

static struct state read_state(void) {
  struct state state = {0};
  ask_generation(&netlink);
  ask_table(&netlink, NFPROTO_INET, kTable);
  ask(&netlink, count, &state);
  if (state.tables == 0) return state;
  list_chains(&netlink, NFPROTO_INET);
  list(&netlink, count, &state);
  list_rules(&netlink, NFPROTO_INET, kTable, NULL);
  list(&netlink, count, &state);
  for (int i = 0; i < set_count; ++i) {
    struct nlmsghdr* header = message_begin(&netlink, NFT_MSG_GETSETELEM, NFPROTO_INET, NLM_F_DUMP);
    mnl_attr_put_strz(header, NFTA_SET_ELEM_LIST_TABLE, kTable);
    mnl_attr_put_strz(header, NFTA_SET_ELEM_LIST_SET, sets[i].name);
    message_end(&netlink, header);
    list(&netlink, count_elements, &state);
  }
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
  int elements = 0;
  for (int i = 0; i < set_count; ++i) elements += 2 * sets[i].count + 1;
  check_read_back(state.generation != generation + 1 || state.tables != 1 || state.chains != CHAINS ||
                  state.rules != RULES_WITHOUT_SETS + set_count || state.elements != elements);
  netlink_close(&netlink);
  return now() - start;
}

static long kernel(void) { return netlink_timed_commit(&netlink, build); }

const struct mode kNftables = {"nftables", prepare, whole, kernel};
