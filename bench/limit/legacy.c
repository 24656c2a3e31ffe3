// SPDX-License-Identifier: GPL-2.0-or-later

// The mode legacy: the same rules as in nft, in the tables nat of ip_tables and ip6_tables, by libiptc.

#include <arpa/inet.h>
#include <fcntl.h>
#include <libiptc/libip6tc.h>
#include <libiptc/libiptc.h>
#include <linux/netfilter/nf_nat.h>
#include <linux/netfilter/x_tables.h>
#include <linux/netfilter/xt_comment.h>
#include <linux/netfilter/xt_multiport.h>
#include <linux/netfilter/xt_owner.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "modes.h"

enum { LARGEST_ENTRY = 2048, CHAINS = 4 };

static const char* const kTable = "nat";
static struct rules rules4, rules6;

static void prepare(struct lists lists) {
  rules4 = rules_of(lists, false);
  rules6 = rules_of(lists, true);
}

// An entry of either family, and how much of it there is.
struct entry {
  char bytes[LARGEST_ENTRY] __attribute__((aligned(8)));
  size_t size;
};

static void extension(struct entry* entry, const char* name, uint8_t revision, const void* info,
                      size_t size) {
  struct xt_entry_match* match = (void*)(entry->bytes + entry->size);
  match->u.match_size = (uint16_t)(XT_ALIGN(sizeof *match) + XT_ALIGN(size));
  match->u.user.revision = revision;
  strcpy(match->u.user.name, name);
  memcpy(match->data, info, size);
  entry->size += match->u.match_size;
}

static void matches(struct entry* entry, const struct rule* rule) {
  if (rule->uid != 0) {
    struct xt_owner_match_info info = {.match = XT_OWNER_UID, .uid_min = rule->uid, .uid_max = rule->uid};
    extension(entry, "owner", 1, &info, sizeof info);
  }
  if (rule->port_count > 0) {
    struct xt_multiport_v1 info = {.flags = XT_MULTIPORT_DESTINATION, .count = (uint8_t)rule->port_count};
    memcpy(info.ports, rule->ports, sizeof info.ports);
    extension(entry, "multiport", 1, &info, sizeof info);
  }
  struct xt_comment_info comment = {0};
  memcpy(comment.comment, rule->comment, strlen(rule->comment));
  extension(entry, "comment", 0, &comment, sizeof comment);
}

// Matches and targets have the same head.
static void target(struct entry* entry, const struct rule* rule, bool ipv6) {
  if (rule->verdict != REDIRECT) {
    // libiptc finds the verdict, or the chain, by its name.
    const int verdict = 0;
    extension(entry, rule->verdict == JUMP ? rule->target : "RETURN", 0, &verdict, sizeof verdict);
  } else if (ipv6) {
    struct nf_nat_range range = {.flags = NF_NAT_RANGE_PROTO_SPECIFIED};
    range.min_proto.all = range.max_proto.all = htons(rule->to_port);
    extension(entry, "REDIRECT", 0, &range, sizeof range);
  } else {
    struct nf_nat_ipv4_multi_range_compat range = {.rangesize = 1};
    range.range[0].flags = NF_NAT_RANGE_PROTO_SPECIFIED;
    range.range[0].min.all = range.range[0].max.all = htons(rule->to_port);
    extension(entry, "REDIRECT", 0, &range, sizeof range);
  }
}

static const struct ipt_entry* encode4(const struct rule* rule) {
  static struct entry entry;
  memset(&entry, 0, sizeof entry);
  struct ipt_entry* head = (void*)entry.bytes;
  entry.size = sizeof *head;
  if (rule->tcp) head->ip.proto = IPPROTO_TCP;
  if (rule->loopback) {
    strcpy(head->ip.outiface, "lo");
    memset(head->ip.outiface_mask, 0xff, sizeof "lo");
  }
  if (rule->subnet != 0) {
    head->ip.dst.s_addr = rule->subnet;
    head->ip.dmsk.s_addr = htonl(0xffffff00);
  }
  matches(&entry, rule);
  head->target_offset = (uint16_t)entry.size;
  target(&entry, rule, false);
  head->next_offset = (uint16_t)entry.size;
  return head;
}

static const struct ip6t_entry* encode6(const struct rule* rule) {
  static struct entry entry;
  memset(&entry, 0, sizeof entry);
  struct ip6t_entry* head = (void*)entry.bytes;
  entry.size = sizeof *head;
  if (rule->tcp) {
    head->ipv6.proto = IPPROTO_TCP;
    head->ipv6.flags = IP6T_F_PROTO;
  }
  if (rule->loopback) {
    strcpy(head->ipv6.outiface, "lo");
    memset(head->ipv6.outiface_mask, 0xff, sizeof "lo");
  }
  matches(&entry, rule);
  head->target_offset = (uint16_t)entry.size;
  target(&entry, rule, true);
  head->next_offset = (uint16_t)entry.size;
  return head;
}

static void fill(struct xtc_handle* ipv4, struct xtc_handle* ipv6) {
  const char* const chains[] = {kInboundChain, kOutboundChain};
  for (int i = 0; i < 2; ++i) {
    check(!iptc_create_chain(chains[i], ipv4) || !ip6tc_create_chain(chains[i], ipv6), "create_chain");
  }
  for (int i = 0; i < rules4.count; ++i) {
    const struct rule* rule = &rules4.rules[i];
    check(!iptc_append_entry(rule->chain, encode4(rule), ipv4), "iptc_append_entry");
  }
  for (int i = 0; i < rules6.count; ++i) {
    const struct rule* rule = &rules6.rules[i];
    check(!ip6tc_append_entry(rule->chain, encode6(rule), ipv6), "ip6tc_append_entry");
  }
}

static int lock(void) {
  const char* path = getenv("XTABLES_LOCKFILE");
  const int fd = open(path != NULL ? path : "/run/xtables.lock", O_RDONLY | O_CREAT | O_CLOEXEC, 0600);
  check(fd < 0 || flock(fd, LOCK_EX) != 0, "the xtables lock");
  return fd;
}

static void commit(struct xtc_handle* ipv4, struct xtc_handle* ipv6) {
  check(!ip6tc_commit(ipv6), "ip6tc_commit");
  check(!iptc_commit(ipv4), "iptc_commit");
}

static void close_tables(struct xtc_handle* ipv4, struct xtc_handle* ipv6) {
  iptc_free(ipv4);
  ip6tc_free(ipv6);
}

static void open_tables(struct xtc_handle** ipv4, struct xtc_handle** ipv6) {
  *ipv6 = ip6tc_init(kTable);
  check(*ipv6 == NULL, "ip6tc_init");
  *ipv4 = iptc_init(kTable);
  check(*ipv4 == NULL, "iptc_init");
}

static int count_rules(struct xtc_handle* ipv4, struct xtc_handle* ipv6) {
  const char* const chains[CHAINS] = {"PREROUTING", "OUTPUT", kInboundChain, kOutboundChain};
  int count = 0;
  for (int i = 0; i < CHAINS; ++i) {
    for (const struct ipt_entry* entry = iptc_first_rule(chains[i], ipv4); entry != NULL;
         entry = iptc_next_rule(entry, ipv4)) {
      ++count;
    }
    for (const struct ip6t_entry* entry = ip6tc_first_rule(chains[i], ipv6); entry != NULL;
         entry = ip6tc_next_rule(entry, ipv6)) {
      ++count;
    }
  }
  return count;
}

static long whole(void) {
  struct xtc_handle *ipv4, *ipv6;
  const long start = now();
  const int fd = lock();
  open_tables(&ipv4, &ipv6);
  fill(ipv4, ipv6);
  commit(ipv4, ipv6);
  close_tables(ipv4, ipv6);
  open_tables(&ipv4, &ipv6);
  check_read_back(count_rules(ipv4, ipv6) != rules4.count + rules6.count);
  close_tables(ipv4, ipv6);
  close(fd);
  return now() - start;
}

// Without the reading before: libiptc can only change what it has read. So the two replaces, which are all
// that our core calls the kernel's time, too.
static long kernel(void) {
  struct xtc_handle *ipv4, *ipv6;
  const int fd = lock();
  open_tables(&ipv4, &ipv6);
  fill(ipv4, ipv6);
  const long start = now();
  commit(ipv4, ipv6);
  const long end = now();
  close_tables(ipv4, ipv6);
  close(fd);
  return end - start;
}

const struct mode kLegacy = {"legacy", prepare, whole, kernel};
