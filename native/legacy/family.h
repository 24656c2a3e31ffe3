// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <netinet/in.h>

// linux/if.h, which the kernel's headers bring, must come after the C library's.
#include <libiptc/libiptc.h>
// libip6tc.h declares C functions and, up to 1.8.9, does not say so.
extern "C" {
#include <libiptc/libip6tc.h>
}

#include "core/ruleset.h"

// libiptc exists twice, for ip_tables and for ip6_tables, with other names for the same functions and
// structures. Code that works on both is a template on one of these.
namespace sluice::legacy {

struct Ipv4 {
  static constexpr Family kFamily = Family::kIpv4;
  static constexpr int kDomain = AF_INET;
  static constexpr int kLevel = IPPROTO_IP;
  static constexpr int kGetInfo = IPT_SO_GET_INFO;
  static constexpr int kGetEntries = IPT_SO_GET_ENTRIES;
  static constexpr int kSetReplace = IPT_SO_SET_REPLACE;
  static constexpr int kSetAddCounters = IPT_SO_SET_ADD_COUNTERS;
  using Entry = ipt_entry;
  using Info = ipt_getinfo;
  using Entries = ipt_get_entries;
  using Replace = ipt_replace;

  static ipt_ip& Header(Entry& entry) { return entry.ip; }
  static const ipt_ip& Header(const Entry& entry) { return entry.ip; }

  static constexpr auto Init = iptc_init;
  static constexpr auto Free = iptc_free;
  static constexpr auto IsChain = iptc_is_chain;
  static constexpr auto IsBuiltin = iptc_builtin;
  static constexpr auto FirstRule = iptc_first_rule;
  static constexpr auto NextRule = iptc_next_rule;
  static constexpr auto Target = iptc_get_target;
  static constexpr auto FirstChain = iptc_first_chain;
  static constexpr auto NextChain = iptc_next_chain;
  static constexpr auto Policy = iptc_get_policy;
  static constexpr auto SetPolicy = iptc_set_policy;
  static constexpr auto CreateChain = iptc_create_chain;
  static constexpr auto FlushEntries = iptc_flush_entries;
  static constexpr auto DeleteChain = iptc_delete_chain;
  static constexpr auto AppendEntry = iptc_append_entry;
  static constexpr auto DeleteNumEntry = iptc_delete_num_entry;
  static constexpr auto Commit = iptc_commit;
};

struct Ipv6 {
  static constexpr Family kFamily = Family::kIpv6;
  static constexpr int kDomain = AF_INET6;
  static constexpr int kLevel = IPPROTO_IPV6;
  static constexpr int kGetInfo = IP6T_SO_GET_INFO;
  static constexpr int kGetEntries = IP6T_SO_GET_ENTRIES;
  static constexpr int kSetReplace = IP6T_SO_SET_REPLACE;
  static constexpr int kSetAddCounters = IP6T_SO_SET_ADD_COUNTERS;
  using Entry = ip6t_entry;
  using Info = ip6t_getinfo;
  using Entries = ip6t_get_entries;
  using Replace = ip6t_replace;

  static ip6t_ip6& Header(Entry& entry) { return entry.ipv6; }
  static const ip6t_ip6& Header(const Entry& entry) { return entry.ipv6; }

  static constexpr auto Init = ip6tc_init;
  static constexpr auto Free = ip6tc_free;
  static constexpr auto IsChain = ip6tc_is_chain;
  static constexpr auto IsBuiltin = ip6tc_builtin;
  static constexpr auto FirstRule = ip6tc_first_rule;
  static constexpr auto NextRule = ip6tc_next_rule;
  static constexpr auto Target = ip6tc_get_target;
  static constexpr auto FirstChain = ip6tc_first_chain;
  static constexpr auto NextChain = ip6tc_next_chain;
  static constexpr auto Policy = ip6tc_get_policy;
  static constexpr auto SetPolicy = ip6tc_set_policy;
  static constexpr auto CreateChain = ip6tc_create_chain;
  static constexpr auto FlushEntries = ip6tc_flush_entries;
  static constexpr auto DeleteChain = ip6tc_delete_chain;
  static constexpr auto AppendEntry = ip6tc_append_entry;
  static constexpr auto DeleteNumEntry = ip6tc_delete_num_entry;
  static constexpr auto Commit = ip6tc_commit;
};

// Calls `work(Ipv4{})` or `work(Ipv6{})`.
template <typename Work>
auto ForFamily(Family family, const Work& work) {
  return family == Family::kIpv4 ? work(Ipv4{}) : work(Ipv6{});
}

}  // namespace sluice::legacy
