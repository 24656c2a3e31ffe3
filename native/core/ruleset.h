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
constexpr Family Other(Family family) { return family == Family::kIpv4 ? Family::kIpv6 : Family::kIpv4; }
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
// The first packet of a TCP connection: of FIN, SYN, RST and ACK only SYN.
struct NewConnectionMatch {};
struct PortSetMatch {
  std::string set;  // of ports, in which the destination port is
};
struct AddressSetMatch {
  bool destination;
  Family family;    // of the set's addresses
  std::string set;  // in which the address is
};
using Match = std::variant<ProtocolMatch, InterfaceMatch, SubnetMatch, DestinationPortMatch, MultiportMatch,
                           OwnerMatch, NewConnectionMatch, PortSetMatch, AddressSetMatch>;

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
  std::optional<Family> family;  // absent: one table for both (inet)
  std::string name;
};

enum class SetType : uint8_t { kPorts, kIpv4, kIpv6 };

// From `first` to `last`, in network order: as many bytes of each as the type of the set has.
struct Interval {
  std::array<uint8_t, 16> first;
  std::array<uint8_t, 16> last;
};
inline bool operator==(const Interval& a, const Interval& b) {
  return a.first == b.first && a.last == b.last;
}
inline bool operator<(const Interval& a, const Interval& b) { return a.first < b.first; }

// A named set, in ascending order, with a gap between any two intervals.
struct Set {
  std::string name;
  SetType type;
  std::vector<Interval> intervals;
};

// The bytes of one element.
inline size_t ElementSize(SetType type) {
  return type == SetType::kPorts ? 2 : type == SetType::kIpv4 ? 4 : 16;
}

struct Ruleset {
  Mode mode;
  std::vector<Table> tables;
  std::vector<Set> sets;  // the mode nftables has them
  std::vector<BaseChain> base_chains;
  std::vector<Chain> chains;
  std::vector<std::string> absent_chains;
};

}  // namespace sluice
