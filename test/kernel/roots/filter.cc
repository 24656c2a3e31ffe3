// SPDX-License-Identifier: GPL-2.0-or-later

// What runc makes of the seccomp profile of a container, by the same library: the OCI specification of one
// comes in by standard input, the filter, a classic BPF program, goes out.

#include <rapidjson/document.h>
#include <rapidjson/istreamwrapper.h>
#include <seccomp.h>
#include <unistd.h>

#include <iostream>
#include <map>
#include <stdexcept>
#include <string>
#include <vector>

namespace {

using Value = rapidjson::Value;

const std::map<std::string, scmp_compare> kOperators = {
    {"SCMP_CMP_NE", SCMP_CMP_NE},
    {"SCMP_CMP_LT", SCMP_CMP_LT},
    {"SCMP_CMP_LE", SCMP_CMP_LE},
    {"SCMP_CMP_EQ", SCMP_CMP_EQ},
    {"SCMP_CMP_GE", SCMP_CMP_GE},
    {"SCMP_CMP_GT", SCMP_CMP_GT},
    {"SCMP_CMP_MASKED_EQ", SCMP_CMP_MASKED_EQ},
};

void Check(int result, const std::string& what) {
  if (result < 0) throw std::runtime_error(what + " (libseccomp: " + std::to_string(result) + ")");
}

std::uint32_t ReadAction(const std::string& name, const Value& object, const char* number) {
  if (name == "SCMP_ACT_ALLOW") return SCMP_ACT_ALLOW;
  if (name != "SCMP_ACT_ERRNO") throw std::runtime_error("unknown action " + name);
  return SCMP_ACT_ERRNO(object.HasMember(number) ? object[number].GetUint() : 1);  // EPERM
}

std::uint64_t ReadNumber(const Value& object, const char* name) {
  return object.HasMember(name) ? object[name].GetUint64() : 0;
}

void AddRule(scmp_filter_ctx filter, const Value& rule, std::uint32_t fallback) {
  const auto action = ReadAction(rule["action"].GetString(), rule, "errnoRet");
  if (action == fallback) return;  // libseccomp refuses it
  std::vector<scmp_arg_cmp> conditions;
  if (rule.HasMember("args")) {
    for (const auto& arg : rule["args"].GetArray()) {
      conditions.push_back({arg["index"].GetUint(), kOperators.at(arg["op"].GetString()),
                            ReadNumber(arg, "value"), ReadNumber(arg, "valueTwo")});
    }
  }
  for (const auto& name : rule["names"].GetArray()) {
    const int number = seccomp_syscall_resolve_name(name.GetString());
    if (number == __NR_SCMP_ERROR)
      continue;  // one that this libseccomp does not know yet: runc, too, leaves it out
    Check(seccomp_rule_add_array(filter, action, number, static_cast<unsigned>(conditions.size()),
                                 conditions.data()),
          name.GetString());
  }
}

void WriteFilter(const Value& profile) {
  const auto fallback = ReadAction(profile["defaultAction"].GetString(), profile, "defaultErrnoRet");
  const scmp_filter_ctx filter = seccomp_init(fallback);
  if (filter == nullptr) throw std::runtime_error("no filter can be made");
  for (const auto& rule : profile["syscalls"].GetArray()) AddRule(filter, rule, fallback);
  Check(seccomp_export_bpf(filter, STDOUT_FILENO), "the filter cannot be written");
}

}  // namespace

int main() {
  try {
    rapidjson::IStreamWrapper input(std::cin);
    rapidjson::Document specification;
    if (specification.ParseStream(input).HasParseError())
      throw std::runtime_error("standard input is not JSON");
    WriteFilter(specification["linux"]["seccomp"]);
  } catch (const std::exception& error) {
    std::cerr << "filter: " << error.what() << '\n';
    return 1;
  }
}
