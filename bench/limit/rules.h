// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <stdbool.h>
#include <stdint.h>

// The rules that install() writes for Linkerd's default flags, and for long lists of what outbound
// connections skip. The lists are those of bench/policies.mjs.

enum { SLOTS = 15, MAX_COMMENT = 255, PROXY_UID = 2102, INBOUND_PORT = 4143, OUTBOUND_PORT = 4140 };

// What the lists can hold: every second port from 1025 on, without the last of all, which has no end in a
// set, and every second /24 of 10.0.0.0/8.
enum { MOST_PORTS = (65535 - 1025) / 2, MOST_SUBNETS = 256 * 128 };

enum verdict { RETURN, REDIRECT, JUMP };

struct rule {
  const char* chain;
  uint32_t uid;   // 0: whoever
  bool loopback;  // out of lo
  bool tcp;
  uint16_t ports[SLOTS];
  int port_count;
  uint32_t subnet;  // of IPv4, a /24, in network order; 0: every address
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

// Ends the program with one line: a call has failed, and errno says why.
void check(bool failed, const char* what);
// The same when what was read back is not what was written.
void check_read_back(bool differs);
