// SPDX-License-Identifier: GPL-2.0-or-later
#include "legacy/entry.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "core/error.h"
#include "legacy/family.h"
#include "legacy/header.h"
#include "xtables/extension.h"

namespace sluice::legacy {
namespace {

// Appends what comes behind the header, each part padded to XT_ALIGN.
class EntryBuilder {
 public:
  explicit EntryBuilder(size_t header_size) : bytes_(header_size) {}

  char* data() { return bytes_.data(); }
  size_t size() const { return bytes_.size(); }
  EncodedEntry Take() { return std::move(bytes_); }

  template <typename Info>
  void Match(const char* name, uint8_t revision, const Info& info) {
    xt_entry_match match{};
    Name(match.u.user, name, revision);
    match.u.match_size = static_cast<uint16_t>(XT_ALIGN(sizeof(match) + sizeof(info)));
    Add(&match, sizeof(match), &info, sizeof(info), match.u.match_size);
  }

  template <typename Info>
  void Target(const char* name, uint8_t revision, const Info& info) {
    xt_entry_target target{};
    Name(target.u.user, name, revision);
    target.u.target_size = static_cast<uint16_t>(XT_ALIGN(sizeof(target) + sizeof(info)));
    Add(&target, sizeof(target), &info, sizeof(info), target.u.target_size);
  }

 private:
  // Names are shorter than the room for them: core/ruleset_json.cc checks those of chains.
  template <typename User>
  static void Name(User& user, const char* name, uint8_t revision) {
    strncpy(user.name, name, sizeof(user.name) - 1);
    user.revision = revision;
  }

  void Add(const void* head, size_t head_size, const void* info, size_t info_size, size_t padded) {
    const size_t start = bytes_.size();
    bytes_.resize(start + padded);
    memcpy(&bytes_[start], head, head_size);
    memcpy(&bytes_[start + head_size], info, info_size);
  }

  EncodedEntry bytes_;
};

// Adds the extension that a match needs; addresses, interfaces and the protocol stand in the header.
class ExtensionEncoder {
 public:
  ExtensionEncoder(const Rule& rule, EntryBuilder& builder) : rule_(rule), builder_(builder) {}

  void operator()(const ProtocolMatch&) const {}
  void operator()(const InterfaceMatch&) const {}
  void operator()(const SubnetMatch&) const {}
  void operator()(const DestinationPortMatch& match) const {
    if (IsUdp()) {
      builder_.Match(xtables::kUdp, xtables::kPortsRevision, xtables::EncodeUdpPorts(match));
    } else {
      builder_.Match(xtables::kTcp, xtables::kPortsRevision, xtables::EncodeTcpPorts(match));
    }
  }
  void operator()(const MultiportMatch& match) const {
    builder_.Match(xtables::kMultiport, xtables::kMultiportRevision, xtables::EncodeMultiport(match));
  }
  // Only the mode nftables has them: no request comes here with one (CheckCommit), and without it the entry
  // would match what it should not.
  void operator()(const NewConnectionMatch&) const { NotInThisMode(); }
  void operator()(const PortSetMatch&) const { NotInThisMode(); }
  void operator()(const AddressSetMatch&) const { NotInThisMode(); }
  void operator()(const OwnerMatch& match) const {
    builder_.Match(xtables::kOwner, xtables::kOwnerRevision, xtables::EncodeOwner(match));
  }

 private:
  [[noreturn]] static void NotInThisMode() {
    throw Error(ErrorCode::kInvalidRequest, "a match that the mode legacy does not have");
  }

  bool IsUdp() const {
    return std::any_of(rule_.matches.begin(), rule_.matches.end(), [](const Match& match) {
      const auto* protocol = std::get_if<ProtocolMatch>(&match);
      return protocol != nullptr && protocol->protocol == IPPROTO_UDP;
    });
  }

  const Rule& rule_;
  EntryBuilder& builder_;
};

void EncodeTarget(const Verdict& verdict, Family family, EntryBuilder& builder) {
  if (const auto* redirect = std::get_if<RedirectVerdict>(&verdict)) {
    if (family == Family::kIpv4) {
      builder.Target(xtables::kRedirect, xtables::kRedirectRevision, xtables::EncodeRedirectIpv4(*redirect));
    } else {
      builder.Target(xtables::kRedirect, xtables::kRedirectRevision, xtables::EncodeRedirectIpv6(*redirect));
    }
    return;
  }
  // libiptc turns these names into the numbers of a standard target.
  const int verdict_number = 0;
  if (const auto* jump = std::get_if<JumpVerdict>(&verdict)) {
    builder.Target(jump->chain.c_str(), 0, verdict_number);
  } else {
    const bool accept = std::holds_alternative<AcceptVerdict>(verdict);
    builder.Target(accept ? IPTC_LABEL_ACCEPT : IPTC_LABEL_RETURN, 0, verdict_number);
  }
}

// The parts of an entry behind its header. Views into it.
template <typename Api>
class Parts {
 public:
  explicit Parts(const char* start) : entry_(*reinterpret_cast<const typename Api::Entry*>(start)) {
    // The kernel and libiptc have checked the sizes; should they not fit, nothing behind the header is read.
    const size_t matches_end = entry_.target_offset;
    const size_t end = entry_.next_offset;
    size_t offset = sizeof(typename Api::Entry);
    while (offset + sizeof(xt_entry_match) <= matches_end && matches_end <= end) {
      const auto& match = *reinterpret_cast<const xt_entry_match*>(start + offset);
      const size_t size = match.u.match_size;
      if (size < sizeof(match) || size > matches_end - offset || XT_ALIGN(size) != size) break;
      matches.push_back(ExtensionIn(match.u.user, match.data, size - sizeof(match)));
      offset += size;
    }
    whole = offset == matches_end && offset + sizeof(xt_entry_target) <= end;
    if (!whole) return;
    const auto& found = *reinterpret_cast<const xt_entry_target*>(start + offset);
    target = ExtensionIn(found.u.user, found.data, end - offset - sizeof(found));
  }

  const typename Api::Entry& entry() const { return entry_; }

  bool whole;
  std::vector<xtables::Extension> matches;
  xtables::Extension target{};  // a standard target has an empty name

 private:
  template <typename User>
  static xtables::Extension ExtensionIn(const User& user, const unsigned char* data, size_t size) {
    return {{user.name, strnlen(user.name, sizeof(user.name))},
            user.revision,
            {reinterpret_cast<const char*>(data), size}};
  }

  const typename Api::Entry& entry_;
};

// Neither a module nor one of the verdicts that libiptc names.
bool IsChain(const xtables::Extension& target, const std::string& name) {
  constexpr std::array<std::string_view, 5> kVerdicts = {"", IPTC_LABEL_ACCEPT, IPTC_LABEL_DROP,
                                                         IPTC_LABEL_QUEUE, IPTC_LABEL_RETURN};
  return target.name == XT_STANDARD_TARGET &&
         std::find(kVerdicts.begin(), kVerdicts.end(), name) == kVerdicts.end();
}

std::optional<Verdict> DecodeTarget(const xtables::Extension& target, const std::string& name,
                                    Family family) {
  if (target.name != XT_STANDARD_TARGET) {
    const auto redirect = xtables::DecodeRedirect(target, family);
    return redirect ? std::optional<Verdict>(*redirect) : std::nullopt;
  }
  if (name == IPTC_LABEL_RETURN) return ReturnVerdict{};
  if (name == IPTC_LABEL_ACCEPT) return AcceptVerdict{};
  if (IsChain(target, name)) return JumpVerdict{name};
  return std::nullopt;  // DROP, QUEUE, no target
}

// Reads the whole rule; false when something in it is not understood.
template <typename Api>
bool Decode(const Parts<Api>& parts, const std::string& target, InstalledRule& rule) {
  auto header = DecodeHeader(Api::Header(parts.entry()));
  if (!header || !parts.whole) return false;
  rule.matches = std::move(*header);
  for (const xtables::Extension& extension : parts.matches) {
    if (auto match = xtables::DecodeMatch(extension)) {
      rule.matches.push_back(std::move(*match));
      continue;
    }
    auto comment = xtables::DecodeComment(extension);
    // Of two comments, or an empty one, the rule model could not say.
    if (!comment || comment->empty() || !rule.comment.empty()) return false;
    rule.comment = std::move(*comment);
  }
  auto verdict = DecodeTarget(parts.target, target, Api::kFamily);
  if (!verdict) return false;
  rule.verdict = std::move(*verdict);
  return true;
}

// What can be said of a rule that is not understood.
template <typename Api>
void Describe(const Parts<Api>& parts, const std::string& target, InstalledRule& rule) {
  rule.matches.clear();
  rule.comment.clear();
  rule.expressions = DescribeHeader(Api::Header(parts.entry()));
  for (const xtables::Extension& extension : parts.matches) {
    rule.expressions.push_back("match " + std::string(extension.name));
    if (auto comment = xtables::DecodeComment(extension); comment && rule.comment.empty()) {
      rule.comment = std::move(*comment);
    }
  }
  const xtables::Extension extension = parts.target;
  if (target.empty()) {
    rule.expressions.emplace_back("no target");
  } else if (IsChain(extension, target)) {
    rule.expressions.push_back((IsGoto(Api::Header(parts.entry())) ? "goto " : "jump ") + target);
  } else {
    rule.expressions.push_back("target " + target);
  }
}

}  // namespace

EncodedEntry EncodeEntry(const Rule& rule, Family family) {
  return ForFamily(family, [&](auto api) {
    using Api = decltype(api);
    using Entry = typename Api::Entry;
    EntryBuilder builder(sizeof(Entry));
    for (const Match& match : rule.matches) std::visit(ExtensionEncoder(rule, builder), match);
    if (!rule.comment.empty()) {
      builder.Match(xtables::kComment, xtables::kCommentRevision, xtables::EncodeComment(rule.comment));
    }
    const size_t target_offset = builder.size();
    EncodeTarget(rule.verdict, family, builder);
    auto& entry = *reinterpret_cast<Entry*>(builder.data());
    for (const Match& match : rule.matches) EncodeHeader(match, Api::Header(entry));
    entry.target_offset = static_cast<uint16_t>(target_offset);
    entry.next_offset = static_cast<uint16_t>(builder.size());
    return builder.Take();
  });
}

InstalledRule DecodeEntry(const EntryView& view, Family family) {
  return ForFamily(family, [&](auto api) {
    const Parts<decltype(api)> parts(view.entry);
    InstalledRule rule;
    rule.understood = Decode(parts, view.target, rule);
    if (!rule.understood) Describe(parts, view.target, rule);
    rule.counters = Counters{parts.entry().counters.pcnt, parts.entry().counters.bcnt};
    return rule;
  });
}

// Not the bytes as they are: the kernel writes the names of matches and targets up to their NUL, and what
// stands behind it is what libiptc's memory held before.
bool SameEntry(const EncodedEntry& wanted, const EntryView& installed, Family family) {
  return ForFamily(family, [&](auto api) {
    using Api = decltype(api);
    const Parts<Api> ours(wanted.data());
    const Parts<Api> theirs(installed.entry);
    if (!theirs.whole ||
        memcmp(&Api::Header(ours.entry()), &Api::Header(theirs.entry()), sizeof(Api::Header(ours.entry()))) !=
            0 ||
        ours.matches != theirs.matches) {
      return false;
    }
    // Verdicts and chains have a name in ours, and a number in the table's.
    if (theirs.target.name == XT_STANDARD_TARGET) {
      return ours.target.name == installed.target;
    }
    return ours.target == theirs.target;
  });
}

std::string JumpTarget(const EntryView& view, Family family) {
  return ForFamily(family, [&](auto api) {
    const Parts<decltype(api)> parts(view.entry);
    return parts.whole && IsChain(parts.target, view.target) ? view.target : std::string();
  });
}

}  // namespace sluice::legacy
