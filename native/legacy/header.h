// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "legacy/family.h"

// The start of an entry: addresses, interfaces and protocol (struct ipt_ip, struct ip6t_ip6).
namespace sluice::legacy {

// Sets what the match says; nothing for the matches that are extensions.
void EncodeHeader(const Match& match, ipt_ip& header);
void EncodeHeader(const Match& match, ip6t_ip6& header);

// The matches of the header, in the order in which iptables writes them; nothing when it holds something that
// the rule model has no words for.
std::optional<std::vector<Match>> DecodeHeader(const ipt_ip& header);
std::optional<std::vector<Match>> DecodeHeader(const ip6t_ip6& header);

// The parts that are set, by name: what is said of a rule that is not understood.
std::vector<std::string> DescribeHeader(const ipt_ip& header);
std::vector<std::string> DescribeHeader(const ip6t_ip6& header);

bool IsGoto(const ipt_ip& header);
bool IsGoto(const ip6t_ip6& header);

}  // namespace sluice::legacy
