// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <optional>
#include <string>

#include "core/ruleset.h"
#include "nft/expression.h"
#include "nft/port_set.h"
#include "nft/rule_builder.h"
#include "xtables/extension.h"

// One file here for each match: how iptables-nft encodes it in a table of `family`, and how to read that
// back. A decoder looks at the cursor; when it understands what stands there it takes it, else it leaves it.
namespace sluice::nft {

void Encode(const ProtocolMatch& match, RuleBuilder& rule);
std::optional<Match> DecodeProtocol(Cursor& cursor, Family family);

void Encode(const InterfaceMatch& match, RuleBuilder& rule);
std::optional<Match> DecodeInterface(Cursor& cursor);

void Encode(const SubnetMatch& match, RuleBuilder& rule);
std::optional<Match> DecodeSubnet(Cursor& cursor, Family family);

void Encode(const DestinationPortMatch& match, RuleBuilder& rule);
// One range, or a set of them.
std::optional<Match> DecodePorts(Cursor& cursor, const PortSets& port_sets);

void Encode(const MultiportMatch& match, RuleBuilder& rule);
void Encode(const OwnerMatch& match, RuleBuilder& rule);
std::optional<Match> DecodeOwner(Cursor& cursor);

// Only the mode nftables writes these: iptables-nft would not understand them.
void Encode(const NewConnectionMatch& match, RuleBuilder& rule);
std::optional<Match> DecodeNewConnection(Cursor& cursor);
void Encode(const PortSetMatch& match, RuleBuilder& rule);
void Encode(const AddressSetMatch& match, RuleBuilder& rule);
// Looks a destination port or an address up in a named set. `family` is that of addresses: nothing when it is
// not known.
std::optional<Match> DecodeSetMatch(Cursor& cursor, const std::optional<Family>& family);

// The matches of x_tables.
std::optional<Match> DecodeExtension(Cursor& cursor);

void EncodeComment(const std::string& comment, RuleBuilder& rule);
std::optional<std::string> DecodeComment(Cursor& cursor);
// nft's own place for comments; empty: none.
std::string CommentInUserdata(const nftnl_rule* rule);

void EncodeVerdict(const Verdict& verdict, Family family, RuleBuilder& rule);
std::optional<Verdict> DecodeVerdict(Cursor& cursor, Family family);

}  // namespace sluice::nft
