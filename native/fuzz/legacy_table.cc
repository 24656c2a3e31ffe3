// SPDX-License-Identifier: GPL-2.0-or-later

// A table of ip_tables or ip6_tables: the first byte of the input says which, then come the numbers of
// IPT_SO_GET_INFO, then the entries of IPT_SO_GET_ENTRIES. Every entry that is whole goes through the
// decoder; a table that the kernel could hold goes through libiptc, too, is compared with a ruleset and
// changed in memory, and is what a snapshot is taken of.
//
// With SLUICE_FUZZ_RECORD=FILE it is the other way round: the kernel is asked, and an input is written.

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <fstream>
#include <string>

#include "core/json.h"
#include "core/ruleset_json.h"
#include "fuzz/check.h"
#include "fuzz/legacy_blob.h"
#include "legacy/plan.h"
#include "legacy/snapshot.h"

namespace {

using namespace sluice;
using fuzz::Check;

std::vector<char> entries;
ipt_getinfo information;  // the same for both families
static_assert(sizeof(ipt_getinfo) == sizeof(ip6t_getinfo));
constexpr size_t kNumbers =
    sizeof(information.valid_hooks) + sizeof(information.hook_entry) + sizeof(information.underflow);

const char* RecordFile() { return getenv("SLUICE_FUZZ_RECORD"); }

void Record(int family, int option, const void* value) {
  std::ofstream file(RecordFile(),
                     std::ios::binary | (option == IPT_SO_GET_INFO ? std::ios::trunc : std::ios::app));
  if (option == IPT_SO_GET_INFO) {
    file.put(family == IPPROTO_IP ? '\0' : '\1');
    file.write(static_cast<const char*>(value) + offsetof(ipt_getinfo, valid_hooks), kNumbers);
  } else {
    const auto* got = static_cast<const ipt_get_entries*>(value);
    file.write(reinterpret_cast<const char*>(got) + offsetof(ipt_get_entries, entrytable), got->size);
  }
}

}  // namespace

extern "C" int socket(int domain, int type, int protocol) {
  if (RecordFile() != nullptr) return static_cast<int>(syscall(SYS_socket, domain, type, protocol));
  return open("/dev/null", O_RDWR | O_CLOEXEC);
}

extern "C" int getsockopt(int socket, int level, int option, void* value, socklen_t* length) {
  if (RecordFile() != nullptr) {
    const int result = static_cast<int>(syscall(SYS_getsockopt, socket, level, option, value, length));
    if (result == 0 && (option == IPT_SO_GET_INFO || option == IPT_SO_GET_ENTRIES))
      Record(level, option, value);
    return result;
  }
  static_assert(IPT_SO_GET_INFO == IP6T_SO_GET_INFO && IPT_SO_GET_ENTRIES == IP6T_SO_GET_ENTRIES);
  if (option == IPT_SO_GET_INFO && *length == sizeof(information)) {
    *static_cast<ipt_getinfo*>(value) = information;
    return 0;
  }
  auto* wanted = static_cast<ipt_get_entries*>(value);
  if (option == IPT_SO_GET_ENTRIES && wanted->size == entries.size()) {
    std::copy(entries.begin(), entries.end(),
              reinterpret_cast<char*>(wanted) + offsetof(ipt_get_entries, entrytable));
    return 0;
  }
  errno = EINVAL;
  return -1;
}

extern "C" int setsockopt(int, int, int, const void*, socklen_t) { return 0; }

namespace {

const Ruleset& Wanted() {
  static const Ruleset ruleset = [] {
    Ruleset made;
    made.mode = Mode::kLegacy;
    const Rule rule = {{true, true}, {ProtocolMatch{IPPROTO_TCP}}, RedirectVerdict{4143}, "ours"};
    made.tables = {{Family::kIpv4, "nat"}, {Family::kIpv6, "nat"}};
    made.chains = {{"PROXY_INIT_REDIRECT", {rule}}, {"PROXY_INIT_OUTPUT", {rule, rule}}};
    made.base_chains = {
        {"PREROUTING",
         Hook::kPrerouting,
         -100,
         {{{true, true}, {}, JumpVerdict{"PROXY_INIT_REDIRECT"}, "in"}}},
        {"OUTPUT", Hook::kOutput, -100, {{{true, true}, {}, JumpVerdict{"PROXY_INIT_OUTPUT"}, "out"}}}};
    made.absent_chains = {"GONE"};
    return made;
  }();
  return ruleset;
}

void CheckRule(const legacy::EntryView& view, Family family, std::vector<InstalledRule>& rules) {
  InstalledRule rule = legacy::DecodeEntry(view, family);
  Check(rule.understood || !rule.expressions.empty(), "of a rule that is not understood something is said");
  const std::string target = legacy::JumpTarget(view, family);
  Check(target.empty() || target == view.target, "a rule jumps where it says");
  if (rule.understood) {
    const Rule same{{true, true}, rule.matches, rule.verdict, rule.comment};
    const legacy::EncodedEntry encoded = legacy::EncodeEntry(same, family);
    legacy::SameEntry(encoded, view, family);
    Check(legacy::SameEntry(encoded, {encoded.data(), view.target}, family) ||
              !std::holds_alternative<RedirectVerdict>(rule.verdict),
          "an entry is like itself");
  }
  rules.push_back(std::move(rule));
}

void Write(const std::string& name, std::vector<InstalledRule> rules) {
  json::Buffer buffer;
  json::Writer writer(buffer);
  writer.StartObject();
  writer.Key("ok");
  WriteChain(writer, {name, std::nullopt, true, std::move(rules)});
  writer.EndObject();
  fuzz::CheckReply({buffer.GetString(), buffer.GetSize()});
}

template <typename Api>
void Run() {
  const fuzz::Blob<Api> blob(entries);
  std::vector<InstalledRule> rules;
  for (const size_t offset : blob.Offsets()) {
    // A copy of its own, so that AddressSanitizer sees a read behind the end.
    const std::vector<char> entry(
        entries.begin() + static_cast<std::ptrdiff_t>(offset),
        entries.begin() + static_cast<std::ptrdiff_t>(offset + blob.At(offset).next_offset));
    for (const char* target : {"RETURN", "OTHERS", "REDIRECT", ""})
      CheckRule({entry.data(), target}, Api::kFamily, rules);
  }
  Write("raw", std::move(rules));
  auto& info = *reinterpret_cast<typename Api::Info*>(&information);
  if (RecordFile() == nullptr && !blob.Sound(info)) return;
  try {
    const auto table = legacy::Table::Open(Api::kFamily, "nat");
    for (const char* chain :
         {"PREROUTING", "INPUT", "OUTPUT", "POSTROUTING", "PROXY_INIT_REDIRECT", "PROXY_INIT_OUTPUT"}) {
      if (!table->HasChain(chain)) continue;
      if (table->IsBaseChain(chain)) table->PolicyAccepts(chain);
      std::vector<InstalledRule> found;
      for (const legacy::EntryView& view : table->Rules(chain)) CheckRule(view, Api::kFamily, found);
      Write(chain, std::move(found));
    }
    if (RecordFile() != nullptr) return;
    const auto snapshot = legacy::Snapshot::Take(Api::kFamily, "nat");
    const sluice::Table& named = Wanted().tables[Api::kFamily == Family::kIpv4 ? 0 : 1];
    const auto wanted = EncodeTable<legacy::EncodedEntry>(Wanted(), named, legacy::EncodeEntry);
    if (legacy::Apply(wanted, *table)) table->Commit();
    snapshot->Restore();
  } catch (const Error& error) {
    Check(!error.detail.empty(), "an error says what was tried");
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 1 + kNumbers) return -1;
  information = {};
  memcpy(&information.valid_hooks, data + 1, kNumbers);
  entries.assign(data + 1 + kNumbers, data + size);
  information.size = static_cast<unsigned int>(entries.size());
  const bool ipv4 = (data[0] & 1) == 0;
  information.num_entries =
      static_cast<unsigned int>(ipv4 ? fuzz::Blob<legacy::Ipv4>(entries).Offsets().size()
                                     : fuzz::Blob<legacy::Ipv6>(entries).Offsets().size());
  ipv4 ? Run<legacy::Ipv4>() : Run<legacy::Ipv6>();
  return 0;
}
