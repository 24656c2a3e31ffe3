// SPDX-License-Identifier: GPL-2.0-or-later
#include "rules.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char* const kInboundChain = "PROXY_INIT_REDIRECT";
const char* const kOutboundChain = "PROXY_INIT_OUTPUT";

enum { OTHER_RULES = 8 };

void check(bool failed, const char* what) {
  if (!failed) return;
  fprintf(stderr, "limit: %s: %s\n", what, strerror(errno));
  exit(1);
}

void check_read_back(bool differs) {
  if (!differs) return;
  fputs("limit: the kernel holds other rules than it was given\n", stderr);
  exit(1);
}

uint16_t listed_port(int index) { return (uint16_t)(1025 + 2 * index); }

uint32_t listed_subnet(int index) {
  return htonl(10u << 24 | (uint32_t)(index >> 7) << 16 | (uint32_t)(index & 127) * 2 << 8);
}

static struct rule* add(struct rules* rules, const char* chain, const char* comment) {
  struct rule* rule = &rules->rules[rules->count++];
  rule->chain = chain;
  snprintf(rule->comment, sizeof rule->comment, "proxy-init/%s", comment);
  return rule;
}

static void skip_ports(struct rules* rules, const char* chain, const uint16_t* ports, int count) {
  for (int first = 0; first < count; first += SLOTS) {
    struct rule* rule = add(rules, chain, "ignore-port-");
    rule->tcp = true;
    rule->port_count = count - first < SLOTS ? count - first : SLOTS;
    char* end = rule->comment + strlen(rule->comment);
    for (int i = 0; i < rule->port_count; ++i) {
      rule->ports[i] = ports[first + i];
      end += sprintf(end, i == 0 ? "%d" : ",%d", rule->ports[i]);
    }
  }
}

static void skip_subnets(struct rules* rules, const char* chain, int count) {
  for (int i = 0; i < count; ++i) {
    const struct in_addr address = {listed_subnet(i)};
    char comment[64];
    snprintf(comment, sizeof comment, "ignore-subnet-%s/24", inet_ntoa(address));
    add(rules, chain, comment)->subnet = address.s_addr;
  }
}

static void redirect(struct rules* rules, const char* chain, const char* comment, uint16_t port) {
  struct rule* rule = add(rules, chain, comment);
  rule->tcp = true;
  rule->verdict = REDIRECT;
  rule->to_port = port;
}

static void jump(struct rules* rules, const char* chain, const char* comment, const char* target) {
  struct rule* rule = add(rules, chain, comment);
  rule->verdict = JUMP;
  rule->target = target;
}

struct rules rules_of(struct lists lists, bool ipv6) {
  static const uint16_t inbound[] = {4190, 4191, 4567, 4568};
  static const uint16_t outbound[] = {4567, 4568};
  const int size = OTHER_RULES + lists.skipped_ports / SLOTS + 1 + lists.skipped_subnets;
  struct rules rules = {calloc((size_t)size, sizeof(struct rule)), 0};
  check(rules.rules == NULL, "calloc");

  skip_ports(&rules, kInboundChain, inbound, sizeof inbound / sizeof *inbound);
  redirect(&rules, kInboundChain, "redirect-all-incoming-to-proxy-port", INBOUND_PORT);
  jump(&rules, "PREROUTING", "install-proxy-init-prerouting", kInboundChain);

  add(&rules, kOutboundChain, "ignore-proxy-user-id")->uid = PROXY_UID;
  add(&rules, kOutboundChain, "ignore-loopback")->loopback = true;
  if (lists.skipped_ports == 0 && lists.skipped_subnets == 0) {
    skip_ports(&rules, kOutboundChain, outbound, sizeof outbound / sizeof *outbound);
  } else if (lists.skipped_ports > 0) {
    uint16_t* ports = calloc((size_t)lists.skipped_ports, sizeof *ports);
    check(ports == NULL, "calloc");
    for (int i = 0; i < lists.skipped_ports; ++i) ports[i] = listed_port(i);
    skip_ports(&rules, kOutboundChain, ports, lists.skipped_ports);
    free(ports);
  }
  if (!ipv6) skip_subnets(&rules, kOutboundChain, lists.skipped_subnets);
  redirect(&rules, kOutboundChain, "redirect-all-outgoing-to-proxy-port", OUTBOUND_PORT);
  jump(&rules, "OUTPUT", "install-proxy-init-output", kOutboundChain);
  return rules;
}
