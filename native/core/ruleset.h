// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

// The Ruleset of src/ruleset/ruleset.ts, in the core's types.
namespace sluice {

enum class Family : uint8_t { kIpv4, kIpv6 };
constexpr std::array<Family, 2> kFamilies = {Family::kIpv4, Family::kIpv6};

inline const char* Name(Family family) { return family == Family::kIpv4 ? "ipv4" : "ipv6"; }
inline size_t AddressSize(Family family) { return family == Family::kIpv4 ? 4 : 16; }

enum class Mode : uint8_t { kNft, kLegacy, kNftables };

struct PortRange {
  uint16_t first;
  uint16_t last;
};

struct Subnet {
  Family family;
  std::array<uint8_t, 16> address;  // host bits cleared; IPv4 uses the first four bytes
  uint8_t prefix_length;
};

struct ProtocolMatch {
  uint8_t protocol;  // IPPROTO_TCP or IPPROTO_UDP
};
struct InterfaceMatch {
  bool out;
  std::string name;  // a trailing '+' matches any ending
};
struct SubnetMatch {
  bool destination;
  Subnet subnet;
};
struct DestinationPortMatch {
  PortRange ports;
};
struct MultiportMatch {
  std::vector<PortRange> ports;  // at most 15 slots; a range takes two
};
struct OwnerMatch {
  std::optional<uint32_t> uid;
  std::optional<uint32_t> gid;
};
using Match = std::variant<ProtocolMatch, InterfaceMatch, SubnetMatch, DestinationPortMatch, MultiportMatch,
                           OwnerMatch>;

struct ReturnVerdict {};
struct AcceptVerdict {};
struct RedirectVerdict {
  uint16_t port;
};
struct JumpVerdict {
  std::string chain;
};
using Verdict = std::variant<ReturnVerdict, AcceptVerdict, RedirectVerdict, JumpVerdict>;

struct Rule {
  std::array<bool, 2> families;  // indexed by Family
  std::vector<Match> matches;
  Verdict verdict;
  std::string comment;

  bool In(Family family) const { return families[static_cast<size_t>(family)]; }
};

struct Chain {
  std::string name;
  std::vector<Rule> rules;
};

enum class Hook : uint8_t { kPrerouting, kOutput };

struct BaseChain {
  std::string name;
  Hook hook;
  int32_t priority;
  std::vector<Rule> jumps;  // each verdict is a JumpVerdict
};

struct Table {
  Family family;
  std::string name;
};

struct Ruleset {
  Mode mode;
  std::vector<Table> tables;
  std::vector<BaseChain> base_chains;
  std::vector<Chain> chains;
  std::vector<std::string> absent_chains;
};

}  // namespace sluice
