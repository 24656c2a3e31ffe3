// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <stdbool.h>
#include <stdint.h>

// The rules that install() writes for Linkerd's default flags, and for long lists of what outbound
// connections skip. The lists are those of bench/policies.mjs.

enum { SLOTS = 15, MAX_COMMENT = 255, PROXY_UID = 2102, INBOUND_PORT = 4143, OUTBOUND_PORT = 4140 };

enum verdict { RETURN, REDIRECT, JUMP };

struct rule {
  const char* chain;
  uint32_t uid;   // 0: whoever
  bool loopback;  // out of lo
  bool tcp;
  uint16_t ports[SLOTS];
  int port_count;
  uint32_t subnet;  // of IPv4, a /24, in network order; 0: any
  enum verdict verdict;
  uint16_t to_port;
  const char* target;
  char comment[MAX_COMMENT + 1];
};

struct lists {
  int skipped_ports;  // 0: those of Linkerd's default flags
  int skipped_subnets;
};

struct rules {
  struct rule* rules;
  int count;
};

extern const char* const kInboundChain;
extern const char* const kOutboundChain;

uint16_t listed_port(int index);
uint32_t listed_subnet(int index);

// As Linkerd writes them, for one family, in the order in which they are added.
struct rules rules_of(struct lists lists, bool ipv6);

// Ends the program with one line when something went wrong.
void check(bool failed, const char* what);
