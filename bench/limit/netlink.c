// SPDX-License-Identifier: GPL-2.0-or-later
#include "netlink.h"

#include <arpa/inet.h>
#include <errno.h>
#include <libnftnl/chain.h>
#include <libnftnl/common.h>
#include <libnftnl/table.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "modes.h"

enum { LARGEST_MESSAGE = 1 << 16, RECEIVE = 1 << 15 };

void netlink_open(struct netlink* netlink) {
  const int on = 1;
  netlink->used = 0;
  netlink->fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_NETFILTER);
  check(netlink->fd < 0, "socket");
  check(setsockopt(netlink->fd, SOL_NETLINK, NETLINK_EXT_ACK, &on, sizeof on) != 0, "NETLINK_EXT_ACK");
  check(setsockopt(netlink->fd, SOL_NETLINK, NETLINK_CAP_ACK, &on, sizeof on) != 0, "NETLINK_CAP_ACK");
}

void netlink_close(struct netlink* netlink) { close(netlink->fd); }

static char* reserve(struct netlink* netlink) {
  if (netlink->used + LARGEST_MESSAGE > netlink->capacity) {
    netlink->capacity = (netlink->capacity + LARGEST_MESSAGE) * 2;
    netlink->buffer = realloc(netlink->buffer, netlink->capacity);
    check(netlink->buffer == NULL, "realloc");
  }
  return netlink->buffer + netlink->used;
}

struct nlmsghdr* message_begin(struct netlink* netlink, uint16_t type, uint8_t family, uint16_t flags) {
  char* start = reserve(netlink);
  netlink->last = netlink->used;
  return nftnl_nlmsg_build_hdr(start, type, family, NLM_F_REQUEST | flags, ++netlink->sequence);
}

void message_end(struct netlink* netlink, const struct nlmsghdr* header) {
  netlink->used += NLMSG_ALIGN(header->nlmsg_len);
}

static struct nlmsghdr* boundary(struct netlink* netlink, uint16_t type) {
  struct nlmsghdr* header = mnl_nlmsg_put_header(reserve(netlink));
  header->nlmsg_type = type;
  header->nlmsg_flags = NLM_F_REQUEST;
  header->nlmsg_seq = ++netlink->sequence;
  struct nfgenmsg* extra = mnl_nlmsg_put_extra_header(header, sizeof *extra);
  extra->nfgen_family = AF_UNSPEC;
  extra->version = NFNETLINK_V0;
  extra->res_id = htons(NFNL_SUBSYS_NFTABLES);
  return header;
}

void batch_begin(struct netlink* netlink, uint32_t generation) {
  struct nlmsghdr* header = boundary(netlink, NFNL_MSG_BATCH_BEGIN);
  mnl_attr_put_u32(header, NFNL_BATCH_GENID, htonl(generation));
  message_end(netlink, header);
}

static void send_buffer(struct netlink* netlink) {
  const int size = (int)netlink->used;
  if (netlink->used > LARGEST_MESSAGE) {
    check(setsockopt(netlink->fd, SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof size) != 0, "SO_SNDBUFFORCE");
  }
  check(send(netlink->fd, netlink->buffer, netlink->used, 0) != (ssize_t)netlink->used, "send");
  netlink->used = 0;
}

// Gives each message to `each`, which returns whether it was the last that is waited for.
static void receive(struct netlink* netlink, bool (*each)(const struct nlmsghdr*, void*), void* data) {
  static char buffer[RECEIVE];
  for (;;) {
    // Answers are there when send() returns; one that was lost must not be waited for.
    ssize_t length = recv(netlink->fd, buffer, sizeof buffer, MSG_DONTWAIT);
    check(length < 0, "recv");
    int left = (int)length;
    for (const struct nlmsghdr* header = (const void*)buffer; mnl_nlmsg_ok(header, left);
         header = mnl_nlmsg_next(header, &left)) {
      if (each(header, data)) return;
    }
  }
}

static int error_of(const struct nlmsghdr* message) {
  return -((const struct nlmsgerr*)mnl_nlmsg_get_payload(message))->error;
}

static bool is_acknowledgement(const struct nlmsghdr* message, void* data) {
  (void)data;
  if (message->nlmsg_type != NLMSG_ERROR) return false;
  errno = error_of(message);
  check(errno != 0, "the kernel refused the batch");
  return true;
}

void batch_commit(struct netlink* netlink) {
  // As the core asks: one acknowledgement, of the last message before the end.
  ((struct nlmsghdr*)(void*)(netlink->buffer + netlink->last))->nlmsg_flags |= NLM_F_ACK;
  message_end(netlink, boundary(netlink, NFNL_MSG_BATCH_END));
  send_buffer(netlink);
  receive(netlink, is_acknowledgement, NULL);
}

long netlink_timed_commit(struct netlink* netlink, void (*build)(uint32_t generation)) {
  netlink->used = 0;
  build(1);  // of a namespace that nobody has changed
  const size_t built = netlink->used;
  const long start = now();
  netlink_open(netlink);
  netlink->used = built;
  batch_commit(netlink);
  const long end = now();
  netlink_close(netlink);
  return end - start;
}

struct answers {
  void (*each)(const struct nlmsghdr* message, void* data);
  void* data;
  uint32_t last;
};

static bool is_last_answer(const struct nlmsghdr* message, void* data) {
  const struct answers* answers = data;
  if (message->nlmsg_type == NLMSG_ERROR) {
    errno = error_of(message);
    check(errno != 0 && errno != ENOENT, "the kernel refused a question");
  } else {
    answers->each(message, answers->data);
  }
  return message->nlmsg_seq == answers->last;
}

void ask(struct netlink* netlink, void (*each)(const struct nlmsghdr* message, void* data), void* data) {
  struct answers answers = {each, data, netlink->sequence};
  send_buffer(netlink);
  receive(netlink, is_last_answer, &answers);
}

static bool is_end_of_list(const struct nlmsghdr* message, void* data) {
  const struct answers* answers = data;
  if (message->nlmsg_type == NLMSG_DONE) return true;
  if (message->nlmsg_type == NLMSG_ERROR) {
    errno = error_of(message);
    check(errno != 0, "the kernel refused a list");
  }
  answers->each(message, answers->data);
  return false;
}

void list(struct netlink* netlink, void (*each)(const struct nlmsghdr* message, void* data), void* data) {
  struct answers answers = {each, data, netlink->sequence};
  send_buffer(netlink);
  receive(netlink, is_end_of_list, &answers);
}

void ask_generation(struct netlink* netlink) {
  message_end(netlink, message_begin(netlink, NFT_MSG_GETGEN, AF_UNSPEC, 0));
}

void ask_table(struct netlink* netlink, uint8_t family, const char* table) {
  struct nlmsghdr* header = message_begin(netlink, NFT_MSG_GETTABLE, family, 0);
  mnl_attr_put_strz(header, NFTA_TABLE_NAME, table);
  message_end(netlink, header);
}

void ask_chain(struct netlink* netlink, uint8_t family, const char* table, const char* chain) {
  struct nlmsghdr* header = message_begin(netlink, NFT_MSG_GETCHAIN, family, 0);
  mnl_attr_put_strz(header, NFTA_CHAIN_TABLE, table);
  mnl_attr_put_strz(header, NFTA_CHAIN_NAME, chain);
  message_end(netlink, header);
}

void list_chains(struct netlink* netlink, uint8_t family) {
  message_end(netlink, message_begin(netlink, NFT_MSG_GETCHAIN, family, NLM_F_DUMP));
}

void list_rules(struct netlink* netlink, uint8_t family, const char* table, const char* chain) {
  struct nlmsghdr* header = message_begin(netlink, NFT_MSG_GETRULE, family, NLM_F_DUMP);
  mnl_attr_put_strz(header, NFTA_RULE_TABLE, table);
  if (chain != NULL) mnl_attr_put_strz(header, NFTA_RULE_CHAIN, chain);
  message_end(netlink, header);
}

static void read_generation(const struct nlmsghdr* message, struct state* state) {
  const struct nlattr* attribute;
  mnl_attr_for_each(attribute, message, sizeof(struct nfgenmsg)) {
    if (mnl_attr_get_type(attribute) == NFTA_GEN_ID) state->generation = ntohl(mnl_attr_get_u32(attribute));
  }
}

void count(const struct nlmsghdr* message, void* data) {
  struct state* state = data;
  switch (NFNL_MSG_TYPE(message->nlmsg_type)) {
    case NFT_MSG_NEWGEN:
      read_generation(message, state);
      return;
    case NFT_MSG_NEWTABLE: {
      struct nftnl_table* table = nftnl_table_alloc();
      state->tables += nftnl_table_nlmsg_parse(message, table) == 0;
      nftnl_table_free(table);
      return;
    }
    case NFT_MSG_NEWCHAIN: {
      struct nftnl_chain* chain = nftnl_chain_alloc();
      state->chains += nftnl_chain_nlmsg_parse(message, chain) == 0;
      nftnl_chain_free(chain);
      return;
    }
    case NFT_MSG_NEWRULE: {
      struct nftnl_rule* rule = nftnl_rule_alloc();
      state->rules += nftnl_rule_nlmsg_parse(message, rule) == 0;
      nftnl_rule_free(rule);
      return;
    }
    default:
      return;
  }
}

void add_table(struct netlink* netlink, uint8_t family, const char* table) {
  struct nlmsghdr* header = message_begin(netlink, NFT_MSG_NEWTABLE, family, NLM_F_CREATE);
  mnl_attr_put_strz(header, NFTA_TABLE_NAME, table);
  message_end(netlink, header);
}

static void put_chain(struct netlink* netlink, uint8_t family, struct nftnl_chain* chain, const char* table,
                      const char* name) {
  nftnl_chain_set_str(chain, NFTNL_CHAIN_TABLE, table);
  nftnl_chain_set_str(chain, NFTNL_CHAIN_NAME, name);
  struct nlmsghdr* header = message_begin(netlink, NFT_MSG_NEWCHAIN, family, NLM_F_CREATE);
  nftnl_chain_nlmsg_build_payload(header, chain);
  nftnl_chain_free(chain);
  message_end(netlink, header);
}

void add_chain(struct netlink* netlink, uint8_t family, const char* table, const char* chain) {
  put_chain(netlink, family, nftnl_chain_alloc(), table, chain);
}

void add_base_chain(struct netlink* netlink, uint8_t family, const char* table, const char* name,
                    uint32_t hook, int32_t priority) {
  struct nftnl_chain* chain = nftnl_chain_alloc();
  nftnl_chain_set_str(chain, NFTNL_CHAIN_TYPE, "nat");
  nftnl_chain_set_u32(chain, NFTNL_CHAIN_HOOKNUM, hook);
  nftnl_chain_set_s32(chain, NFTNL_CHAIN_PRIO, priority);
  nftnl_chain_set_u32(chain, NFTNL_CHAIN_POLICY, NF_ACCEPT);
  put_chain(netlink, family, chain, table, name);
}

void add_rule(struct netlink* netlink, uint8_t family, const char* table, const char* chain,
              struct nftnl_rule* rule) {
  nftnl_rule_set_str(rule, NFTNL_RULE_TABLE, table);
  nftnl_rule_set_str(rule, NFTNL_RULE_CHAIN, chain);
  struct nlmsghdr* header = message_begin(netlink, NFT_MSG_NEWRULE, family, NLM_F_CREATE | NLM_F_APPEND);
  nftnl_rule_nlmsg_build_payload(header, rule);
  nftnl_rule_free(rule);
  message_end(netlink, header);
}

struct nftnl_expr* expression(struct nftnl_rule* rule, const char* name) {
  struct nftnl_expr* made = nftnl_expr_alloc(name);
  check(made == NULL, name);
  nftnl_rule_add_expr(rule, made);
  return made;
}

void meta(struct nftnl_rule* rule, uint32_t key) {
  struct nftnl_expr* made = expression(rule, "meta");
  nftnl_expr_set_u32(made, NFTNL_EXPR_META_KEY, key);
  nftnl_expr_set_u32(made, NFTNL_EXPR_META_DREG, NFT_REG_1);
}

void payload(struct nftnl_rule* rule, uint32_t base, uint32_t offset, uint32_t length) {
  struct nftnl_expr* made = expression(rule, "payload");
  nftnl_expr_set_u32(made, NFTNL_EXPR_PAYLOAD_DREG, NFT_REG_1);
  nftnl_expr_set_u32(made, NFTNL_EXPR_PAYLOAD_BASE, base);
  nftnl_expr_set_u32(made, NFTNL_EXPR_PAYLOAD_OFFSET, offset);
  nftnl_expr_set_u32(made, NFTNL_EXPR_PAYLOAD_LEN, length);
}

void compare(struct nftnl_rule* rule, const void* data, uint32_t length) {
  struct nftnl_expr* made = expression(rule, "cmp");
  nftnl_expr_set_u32(made, NFTNL_EXPR_CMP_SREG, NFT_REG_1);
  nftnl_expr_set_u32(made, NFTNL_EXPR_CMP_OP, NFT_CMP_EQ);
  nftnl_expr_set(made, NFTNL_EXPR_CMP_DATA, data, length);
}

void counter(struct nftnl_rule* rule) {
  struct nftnl_expr* made = expression(rule, "counter");
  nftnl_expr_set_u64(made, NFTNL_EXPR_CTR_PACKETS, 0);
  nftnl_expr_set_u64(made, NFTNL_EXPR_CTR_BYTES, 0);
}

void verdict(struct nftnl_rule* rule, int code, const char* chain) {
  struct nftnl_expr* made = expression(rule, "immediate");
  nftnl_expr_set_u32(made, NFTNL_EXPR_IMM_DREG, NFT_REG_VERDICT);
  nftnl_expr_set_u32(made, NFTNL_EXPR_IMM_VERDICT, (uint32_t)code);
  if (chain != NULL) nftnl_expr_set_str(made, NFTNL_EXPR_IMM_CHAIN, chain);
}
