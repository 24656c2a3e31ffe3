// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <libmnl/libmnl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

// They need stdio.h, and do not include it.
#include <libnftnl/expr.h>
#include <libnftnl/rule.h>

// nf_tables' side of nfnetlink: a batch as one message, questions as one message, and lists.

struct netlink {
  int fd;
  uint32_t sequence;
  char* buffer;  // of what is sent
  size_t used;
  size_t capacity;
  size_t last;  // where the last message begins that is no boundary of a batch
};

void netlink_open(struct netlink* netlink);
void netlink_close(struct netlink* netlink);

// Begins a message behind those in the buffer, and ends it.
struct nlmsghdr* message_begin(struct netlink* netlink, uint16_t type, uint8_t family, uint16_t flags);
void message_end(struct netlink* netlink, const struct nlmsghdr* header);

void batch_begin(struct netlink* netlink, uint32_t generation);
// Sends the batch, and waits for its acknowledgement.
void batch_commit(struct netlink* netlink);
// Nanoseconds from the opening of the socket to the acknowledgement of what `build` made before.
long netlink_timed_commit(struct netlink* netlink, void (*build)(uint32_t generation));

// Sends the questions in the buffer, each of which has one answer; calls `each` with those that are no
// errors.
void ask(struct netlink* netlink, void (*each)(const struct nlmsghdr* message, void* data), void* data);
// Sends the question in the buffer, whose answer is a list.
void list(struct netlink* netlink, void (*each)(const struct nlmsghdr* message, void* data), void* data);

// What there is of a table, as it was read.
struct state {
  uint32_t generation;
  int tables;
  int chains;
  int rules;
  int elements;
};

void ask_generation(struct netlink* netlink);
void ask_table(struct netlink* netlink, uint8_t family, const char* table);
void ask_chain(struct netlink* netlink, uint8_t family, const char* table, const char* chain);
// The kernel lists those of all tables.
void list_chains(struct netlink* netlink, uint8_t family);
// Those of all chains if `chain` is NULL.
void list_rules(struct netlink* netlink, uint8_t family, const char* table, const char* chain);
// For ask() and list(): counts a message of any kind, parsed, in a struct state.
void count(const struct nlmsghdr* message, void* state);

void add_table(struct netlink* netlink, uint8_t family, const char* table);
void add_chain(struct netlink* netlink, uint8_t family, const char* table, const char* chain);
void add_base_chain(struct netlink* netlink, uint8_t family, const char* table, const char* chain,
                    uint32_t hook, int32_t priority);
// Frees the rule.
void add_rule(struct netlink* netlink, uint8_t family, const char* table, const char* chain,
              struct nftnl_rule* rule);

// Expressions, by their names in nft --debug=netlink.
struct nftnl_expr* expression(struct nftnl_rule* rule, const char* name);
void meta(struct nftnl_rule* rule, uint32_t key);
void payload(struct nftnl_rule* rule, uint32_t base, uint32_t offset, uint32_t length);
void compare(struct nftnl_rule* rule, const void* data, uint32_t length);
void counter(struct nftnl_rule* rule);
void verdict(struct nftnl_rule* rule, int code, const char* chain);
