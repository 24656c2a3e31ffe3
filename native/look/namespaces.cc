// SPDX-License-Identifier: GPL-2.0-or-later
#include "look/namespaces.h"

#include <dirent.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <map>
#include <memory>

#include "core/error.h"
#include "look/lines.h"

namespace sluice::look {
namespace {

constexpr size_t kProcessesShown = 8;

// A process that has ended has no inode; `hidden` is set for one that may not be looked at.
uint64_t NamespaceOf(const std::string& path, bool& hidden) {
  struct stat status {};
  if (stat(path.c_str(), &status) == 0) return status.st_ino;
  hidden = errno == EACCES || errno == EPERM;
  return 0;
}

std::string FirstLine(const std::string& path) {
  std::string line;
  Lines(path).Next(line);
  return line;
}

// The path of cgroup v2, or else of the first hierarchy of v1 that has one (cgroups(7)).
std::string CgroupOf(const std::string& directory) {
  Lines lines(directory + "/cgroup");
  std::string first;
  for (std::string line; lines.Next(line);) {
    const size_t colon = line.find(':', line.find(':') + 1);
    if (colon == std::string::npos) continue;
    std::string path = line.substr(colon + 1);
    if (path == "/") continue;
    if (line.rfind("0::", 0) == 0) return path;
    if (first.empty()) first = path;
  }
  return first;
}

std::vector<pid_t> Processes() {
  const std::unique_ptr<DIR, int (*)(DIR*)> directory(opendir("/proc"), closedir);
  if (!directory) throw SystemCallError(errno, "open", "cannot read /proc");
  std::vector<pid_t> processes;
  while (const dirent* entry = readdir(directory.get())) {
    char* end = nullptr;
    const long number = strtol(entry->d_name, &end, 10);
    if (number > 0 && *end == '\0') processes.push_back(static_cast<pid_t>(number));
  }
  std::sort(processes.begin(), processes.end());
  return processes;
}

// Octal escapes of spaces and the like (proc_pid_mountinfo(5)).
std::string Unescaped(const std::string& text) {
  std::string plain;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\\' && i + 3 < text.size()) {
      plain += static_cast<char>(strtol(text.substr(i + 1, 3).c_str(), nullptr, 8));
      i += 3;
    } else {
      plain += text[i];
    }
  }
  return plain;
}

class Listing {
 public:
  Namespaces Run() {
    bool hidden = false;
    own_ = NamespaceOf("/proc/self/ns/net", hidden);
    for (const pid_t pid : Processes()) AddProcess(pid);
    AddMounts();
    Namespaces all{{}, hidden_};
    for (auto& [inode, found] : found_) all.found.push_back(std::move(found));
    return all;
  }

 private:
  NetworkNamespace& At(uint64_t inode, const std::string& path) {
    NetworkNamespace& found = found_[inode];
    if (found.inode == 0) found = {inode, path, inode == own_, 0, {}, {}};
    return found;
  }

  void AddProcess(pid_t pid) {
    const std::string directory = "/proc/" + std::to_string(pid);
    const std::string path = directory + "/ns/net";
    bool hidden = false;
    const uint64_t inode = NamespaceOf(path, hidden);
    hidden_ += hidden ? 1 : 0;
    if (inode == 0) return;
    NetworkNamespace& found = At(inode, path);
    ++found.process_count;
    if (found.processes.size() >= kProcessesShown) return;
    found.processes.push_back({pid, FirstLine(directory + "/comm"), CgroupOf(directory)});
  }

  // `36 35 0:4 net:[4026532281] /run/netns/pod rw shared:5 - nsfs nsfs rw`
  void AddMounts() {
    Lines lines("/proc/self/mountinfo");
    for (std::string line; lines.Next(line);) {
      const size_t root = line.find(" net:[");
      const size_t point = line.find(' ', root + 1);
      if (root == std::string::npos || point == std::string::npos) continue;
      const std::string path = Unescaped(line.substr(point + 1, line.find(' ', point + 1) - point - 1));
      At(strtoull(line.c_str() + root + strlen(" net:["), nullptr, 10), path).mounts.push_back(path);
    }
  }

  uint64_t own_ = 0;
  size_t hidden_ = 0;
  std::map<uint64_t, NetworkNamespace> found_;
};

}  // namespace

Namespaces ListNamespaces() { return Listing().Run(); }

}  // namespace sluice::look
