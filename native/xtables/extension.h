// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <linux/netfilter/nf_nat.h>
#include <linux/netfilter/xt_comment.h>
#include <linux/netfilter/xt_multiport.h>
#include <linux/netfilter/xt_owner.h>
#include <linux/netfilter/xt_tcpudp.h>

#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>

#include "core/ruleset.h"

// The structures of the kernel's x_tables extensions. ip_tables holds them in its entries, nf_tables in the
// expressions "match" and "target"; they are the same in both. One file here for each extension.
namespace sluice::xtables {

// A match or target of x_tables as it was read from the kernel.
struct Extension {
  std::string_view name;
  uint32_t revision;
  std::string_view info;

  bool Is(std::string_view wanted_name, uint32_t wanted_revision) const {
    return name == wanted_name && revision == wanted_revision;
  }

  bool operator==(const Extension& other) const {
    return Is(other.name, other.revision) && info == other.info;
  }
  bool operator!=(const Extension& other) const { return !(*this == other); }

  // Its structure; nothing when the kernel holds fewer bytes.
  template <typename Info>
  std::optional<Info> As() const {
    static_assert(std::is_trivially_copyable_v<Info>);
    if (info.size() < sizeof(Info)) return std::nullopt;
    Info structure;
    memcpy(&structure, info.data(), sizeof(structure));
    return structure;
  }
};

// What the matches owner, multiport, tcp and udp say; nothing for another one, and for what the rule model
// has no words for, such as a negation.
std::optional<Match> DecodeMatch(const Extension& extension);

constexpr const char* kOwner = "owner";
constexpr uint8_t kOwnerRevision = 1;
xt_owner_match_info EncodeOwner(const OwnerMatch& match);
std::optional<Match> DecodeOwner(const Extension& extension);

constexpr const char* kMultiport = "multiport";
constexpr uint8_t kMultiportRevision = 1;
xt_multiport_v1 EncodeMultiport(const MultiportMatch& match);
std::optional<Match> DecodeMultiport(const Extension& extension);

// The matches that have --dport.
constexpr const char* kTcp = "tcp";
constexpr const char* kUdp = "udp";
constexpr uint8_t kPortsRevision = 0;
xt_tcp EncodeTcpPorts(const DestinationPortMatch& match);
xt_udp EncodeUdpPorts(const DestinationPortMatch& match);
std::optional<Match> DecodePorts(const Extension& extension);

constexpr const char* kComment = "comment";
constexpr uint8_t kCommentRevision = 0;
xt_comment_info EncodeComment(const std::string& comment);
std::optional<std::string> DecodeComment(const Extension& extension);

// The target, whose structure differs between the families.
constexpr const char* kRedirect = "REDIRECT";
constexpr uint8_t kRedirectRevision = 0;
nf_nat_ipv4_multi_range_compat EncodeRedirectIpv4(const RedirectVerdict& verdict);
nf_nat_range EncodeRedirectIpv6(const RedirectVerdict& verdict);
std::optional<RedirectVerdict> DecodeRedirect(const Extension& extension, Family family);

}  // namespace sluice::xtables
