// SPDX-License-Identifier: GPL-2.0-or-later
#include "legacy/header.h"

#include <algorithm>
#include <cstring>

namespace sluice::legacy {
namespace {

constexpr unsigned char kMasked = 0xff;

// Flags that say more than the rule model can: all but "the protocol is set", which IPv6 needs.
uint8_t OtherFlags(const ipt_ip& header) { return header.flags; }
uint8_t OtherFlags(const ip6t_ip6& header) { return header.flags & static_cast<uint8_t>(~IP6T_F_PROTO); }

void SetProtocol(ipt_ip& header, uint8_t protocol) { header.proto = protocol; }
void SetProtocol(ip6t_ip6& header, uint8_t protocol) {
  header.proto = protocol;
  header.flags |= IP6T_F_PROTO;
}

// The kernel looks at the protocol of IPv6 only with the flag (ip6_packet_match).
bool ProtocolCounts(const ipt_ip&) { return true; }
bool ProtocolCounts(const ip6t_ip6& header) { return (header.flags & IP6T_F_PROTO) != 0; }

Family FamilyOf(const ipt_ip&) { return Family::kIpv4; }
Family FamilyOf(const ip6t_ip6&) { return Family::kIpv6; }

// `eth0` is compared with its NUL, `eth+` without its '+', which stays in the name all the same.
void SetInterface(const std::string& name, char* field, unsigned char* mask) {
  const bool prefix = name.back() == '+';
  memcpy(field, name.data(), name.size());
  memset(mask, kMasked, prefix ? name.size() - 1 : name.size() + 1);
}

template <typename Address>
void SetSubnet(const Subnet& subnet, Address& address, Address& mask) {
  memcpy(&address, subnet.address.data(), sizeof(address));
  auto* bytes = reinterpret_cast<uint8_t*>(&mask);
  for (size_t bit = 0; bit < subnet.prefix_length; ++bit) {
    bytes[bit / 8] |= static_cast<uint8_t>(0x80U >> (bit % 8));
  }
}

template <typename Header>
void Encode(const Match& match, Header& header) {
  if (const auto* protocol = std::get_if<ProtocolMatch>(&match)) {
    SetProtocol(header, protocol->protocol);
  } else if (const auto* interface = std::get_if<InterfaceMatch>(&match)) {
    if (interface->out) {
      SetInterface(interface->name, header.outiface, header.outiface_mask);
    } else {
      SetInterface(interface->name, header.iniface, header.iniface_mask);
    }
  } else if (const auto* subnet = std::get_if<SubnetMatch>(&match)) {
    if (subnet->destination) {
      SetSubnet(subnet->subnet, header.dst, header.dmsk);
    } else {
      SetSubnet(subnet->subnet, header.src, header.smsk);
    }
  }
}

// Adds what a header says to `matches`; each answers whether it was understood.
struct HeaderDecoder {
  std::vector<Match>& matches;

  bool Interface(bool out, const char* field, const unsigned char* mask) const {
    const unsigned char* end = mask + IFNAMSIZ;
    const auto compared = static_cast<size_t>(
        std::find_if(mask, end, [](unsigned char byte) { return byte != kMasked; }) - mask);
    if (std::any_of(mask + compared, end, [](unsigned char byte) { return byte != 0; })) return false;
    std::string name(field, strnlen(field, IFNAMSIZ));
    const bool every = name.empty() || name == "+";
    if (compared == 0) return every;
    const bool prefix = compared == name.size() || (compared + 1 == name.size() && name.back() == '+');
    if (every || (!prefix && compared != name.size() + 1)) return false;
    if (compared == name.size()) name += '+';
    matches.push_back(InterfaceMatch{out, std::move(name)});
    return true;
  }

  bool Protocol(bool counts, uint16_t protocol) const {
    if (protocol == 0) return true;
    if (!counts || (protocol != IPPROTO_TCP && protocol != IPPROTO_UDP)) return false;
    matches.push_back(ProtocolMatch{static_cast<uint8_t>(protocol)});
    return true;
  }

  template <typename Address>
  bool Subnet(bool destination, Family family, const Address& address, const Address& mask) const {
    SubnetMatch match{destination, {family, {}, 0}};
    memcpy(match.subnet.address.data(), &address, sizeof(address));
    const auto* bits = reinterpret_cast<const uint8_t*>(&mask);
    const auto set = [bits](size_t bit) { return (bits[bit / 8] & (0x80U >> (bit % 8))) != 0; };
    const size_t size = sizeof(mask) * 8;
    size_t length = 0;
    while (length < size && set(length)) ++length;
    for (size_t bit = length; bit < size; ++bit) {
      // A mask with holes, or an address that no packet equals under the mask.
      if (set(bit) || (match.subnet.address[bit / 8] & (0x80U >> (bit % 8))) != 0) return false;
    }
    match.subnet.prefix_length = static_cast<uint8_t>(length);
    if (length > 0) matches.push_back(match);
    return true;
  }
};

template <typename Header>
std::optional<std::vector<Match>> Decode(const Header& header) {
  if (header.invflags != 0 || OtherFlags(header) != 0) return std::nullopt;
  std::vector<Match> matches;
  const HeaderDecoder decoder{matches};
  const Family family = FamilyOf(header);
  const bool understood = decoder.Interface(false, header.iniface, header.iniface_mask) &&
                          decoder.Interface(true, header.outiface, header.outiface_mask) &&
                          decoder.Protocol(ProtocolCounts(header), header.proto) &&
                          decoder.Subnet(false, family, header.src, header.smsk) &&
                          decoder.Subnet(true, family, header.dst, header.dmsk);
  if (!understood) return std::nullopt;
  return matches;
}

template <typename Address>
bool IsZero(const Address& address) {
  const Address zero{};
  return memcmp(&address, &zero, sizeof(address)) == 0;
}

template <typename Header>
std::vector<std::string> DescribeParts(const Header& header) {
  std::vector<std::string> parts;
  if (header.iniface_mask[0] != 0) parts.emplace_back("in interface");
  if (header.outiface_mask[0] != 0) parts.emplace_back("out interface");
  if (header.proto != 0) parts.push_back("protocol " + std::to_string(header.proto));
  if (!IsZero(header.smsk)) parts.emplace_back("source");
  if (!IsZero(header.dmsk)) parts.emplace_back("destination");
  if (header.invflags != 0) parts.emplace_back("negation");
  return parts;
}

}  // namespace

void EncodeHeader(const Match& match, ipt_ip& header) { Encode(match, header); }
void EncodeHeader(const Match& match, ip6t_ip6& header) { Encode(match, header); }

std::optional<std::vector<Match>> DecodeHeader(const ipt_ip& header) { return Decode(header); }
std::optional<std::vector<Match>> DecodeHeader(const ip6t_ip6& header) { return Decode(header); }

std::vector<std::string> DescribeHeader(const ipt_ip& header) { return DescribeParts(header); }
std::vector<std::string> DescribeHeader(const ip6t_ip6& header) { return DescribeParts(header); }

bool IsGoto(const ipt_ip& header) { return (header.flags & IPT_F_GOTO) != 0; }
bool IsGoto(const ip6t_ip6& header) { return (header.flags & IP6T_F_GOTO) != 0; }

}  // namespace sluice::legacy
