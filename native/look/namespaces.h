// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <vector>

namespace sluice::look {

struct Process {
  pid_t pid;
  std::string command;  // /proc/PID/comm
  std::string cgroup;   // the path in /proc/PID/cgroup; names the container
};

// A network namespace of this machine, as far as it shows in /proc.
struct NetworkNamespace {
  uint64_t inode;
  std::string path;  // by which it can be entered
  bool own;          // the calling process's
  size_t process_count;
  std::vector<Process> processes;   // the first few of them, by their numbers
  std::vector<std::string> mounts;  // where it is mounted: /run/netns/NAME
};

struct Namespaces {
  std::vector<NetworkNamespace> found;  // by inode
  size_t hidden;                        // processes whose namespace this one may not see
};

// All network namespaces that a process is in or that are mounted. Throws Error when /proc cannot be read.
Namespaces ListNamespaces();

}  // namespace sluice::look
