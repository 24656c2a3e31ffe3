// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <string>
#include <vector>

namespace sluice::fuzz {

// Every operation in each of the modes of nf_tables, on a small ruleset with every match that the mode has.
// Without time: who has to start again gives up.
inline const std::vector<std::string> kNftRequests = [] {
  const std::string nft = R"(
    "mode": "nft",
    "tables": [{"family": "ipv4", "name": "nat"}, {"family": "ipv6", "name": "nat"}],
    "baseChains": [
      {"name": "PREROUTING", "hook": "prerouting", "type": "nat", "priority": -100, "jumps": [
        {"families": ["ipv4", "ipv6"], "matches": [], "verdict": {"type": "jump", "chain": "IN"}, "comment": "in"}]},
      {"name": "OUTPUT", "hook": "output", "type": "nat", "priority": -100, "jumps": [
        {"families": ["ipv4", "ipv6"], "matches": [], "verdict": {"type": "jump", "chain": "OUT"}, "comment": "out"}]}],
    "chains": [
      {"name": "IN", "rules": [
        {"families": ["ipv4", "ipv6"], "verdict": {"type": "return"}, "comment": "", "matches": [
          {"type": "protocol", "protocol": "tcp"}, {"type": "inInterface", "name": "eth+"},
          {"type": "destinationPort", "ports": {"first": 80, "last": 90}},
          {"type": "multiport", "ports": [{"first": 0, "last": 0}, {"first": 1, "last": 65535}]}]},
        {"families": ["ipv4"], "verdict": {"type": "accept"}, "comment": "four", "matches": [
          {"type": "source", "subnet": {"family": "ipv4", "address": "10.0.0.0", "prefixLength": 8}}]},
        {"families": ["ipv6"], "verdict": {"type": "redirect", "port": 4140}, "comment": "six", "matches": [
          {"type": "protocol", "protocol": "tcp"},
          {"type": "destination", "subnet": {"family": "ipv6", "address": "2001:db8::", "prefixLength": 32}}]}]},
      {"name": "OUT", "rules": [
        {"families": ["ipv4", "ipv6"], "verdict": {"type": "return"}, "comment": "", "matches": [
          {"type": "outInterface", "name": "lo"}, {"type": "owner", "uid": 2102, "gid": 4294967294}]}]}],
    "sets": [], "absentChains": ["GONE"])";
  const std::string nftables = R"(
    "mode": "nftables",
    "tables": [{"family": "inet", "name": "sluice"}],
    "baseChains": [
      {"name": "prerouting", "hook": "prerouting", "type": "nat", "priority": -100, "jumps": [
        {"families": ["ipv4", "ipv6"], "matches": [], "verdict": {"type": "jump", "chain": "in"}, "comment": "in"}]}],
    "chains": [{"name": "in", "rules": [
      {"families": ["ipv4", "ipv6"], "verdict": {"type": "return"}, "comment": "ports", "matches": [
        {"type": "protocol", "protocol": "tcp"}, {"type": "portSet", "set": "ports"}]},
      {"families": ["ipv4"], "verdict": {"type": "return"}, "comment": "", "matches": [
        {"type": "sourceSet", "family": "ipv4", "set": "four"}]},
      {"families": ["ipv4", "ipv6"], "verdict": {"type": "redirect", "port": 4143}, "comment": "", "matches": [
        {"type": "protocol", "protocol": "tcp"}, {"type": "newConnection"}, {"type": "owner", "uid": 1, "gid": 2}]}]}],
    "sets": [
      {"name": "ports", "type": "ports", "elements": [{"first": 80, "last": 90}, {"first": 443, "last": 65535}]},
      {"name": "four", "type": "ipv4", "elements": [{"first": "10.0.0.0", "last": "10.255.255.255"}]}],
    "absentChains": ["out"])";
  std::vector<std::string> requests;
  for (const std::string* ruleset : {&nft, &nftables}) {
    const std::string elsewhere =
        ruleset == &nft ? R"({"family": "inet", "name": "sluice"})" : R"({"family": "ipv4", "name": "nat"})";
    for (const char* op : {"commit", "inspect", "rehearse"}) {
      requests.push_back(
          std::string(R"({"op": ")") + op +
          R"(", "timeoutMs": 0, "families": [{"family": "ipv4", "required": true}], "ruleset": {)" +
          *ruleset + R"(}, "elsewhere": [)" + elsewhere + "]}");
    }
  }
  // Both families.
  requests.push_back(R"({"op": "inspect", "timeoutMs": 0, "families": [{"family": "ipv4", "required": true},
    {"family": "ipv6", "required": false}], "ruleset": {)" +
                     nft + "}}");
  requests.push_back(R"({"op": "commit", "timeoutMs": 0, "families": [{"family": "ipv4", "required": true},
    {"family": "ipv6", "required": false}], "ruleset": {)" +
                     nftables + "}}");
  return requests;
}();

}  // namespace sluice::fuzz
