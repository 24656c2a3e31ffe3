// SPDX-License-Identifier: GPL-2.0-or-later

// `door_threads THREADS CALLS FILE…`: opens the door from so many threads at once, so often on each, with the
// requests in the files, in turn. In a request, "@netns@" stands for one of four namespaces that are made for
// it. Prints how many replies were ok, and how many errors. It is built under ThreadSanitizer: Node, which is
// not, calls the door in the same way, from a thread a call.

#include <fcntl.h>
#include <sched.h>

#include <array>
#include <cstdlib>
#include <exception>
#include <fstream>
#include <iostream>
#include <iterator>
#include <map>
#include <mutex>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "core/core.h"
#include "core/file_descriptor.h"
#include "legacy/commit.h"
#include "look/operations.h"
#include "nft/commit.h"
#include "nftables/commit.h"
#include "socket/exchange.h"
#include "test/fault/fault.h"

namespace sluice {
namespace {

const Backends kBackends = {&nft::kBackend,      &legacy::kBackend,
                            &nftables::kBackend, Exchange,
                            look::kOperations,   {nft::Rehearse, legacy::Rehearse, nftables::Rehearse}};

FileDescriptor NewNamespace() {
  FileDescriptor made(-1);
  std::thread([&] {
    if (unshare(CLONE_NEWNET) == 0)
      made = FileDescriptor(open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC));
  }).join();
  if (!made.valid()) throw std::runtime_error("cannot make a network namespace");
  return made;
}

std::string ReadFile(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::string text((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  if (!file) throw std::runtime_error("cannot read " + path);
  return text;
}

std::string In(const FileDescriptor& netns, std::string request) {
  constexpr std::string_view kPlace = "@netns@";
  const size_t at = request.find(kPlace);
  if (at == std::string::npos) return request;
  return request.replace(at, kPlace.size(), "/proc/self/fd/" + std::to_string(netns.get()));
}

// "ok", or the code of an error.
std::string Outcome(const std::string& reply) {
  constexpr std::string_view kCode = "\"code\":\"";
  if (reply.rfind("{\"ok\":", 0) == 0) return "ok";
  const size_t at = reply.find(kCode);
  if (at == std::string::npos) return "no-reply";
  const size_t from = at + kCode.size();
  return reply.substr(from, reply.find('"', from) - from);
}

void Run(int threads, int calls, const std::vector<std::string>& requests) {
  const std::array<FileDescriptor, 4> namespaces = {NewNamespace(), NewNamespace(), NewNamespace(),
                                                    NewNamespace()};
  std::mutex mutex;
  std::map<std::string, int> outcomes;
  std::vector<std::thread> running;
  running.reserve(static_cast<size_t>(threads));
  for (int thread = 0; thread < threads; thread++) {
    running.emplace_back([&, thread] {
      for (int call = 0; call < calls; call++) {
        // Each thread starts elsewhere, so that different requests meet in the same namespace.
        const auto turn = static_cast<size_t>(thread) * 7 + static_cast<size_t>(call);
        const std::string& request = requests[turn % requests.size()];
        const FileDescriptor& netns = namespaces[turn / requests.size() % namespaces.size()];
        const std::string reply = Call(In(netns, request), kBackends).text;
        const std::lock_guard<std::mutex> lock(mutex);
        outcomes[Outcome(reply)]++;
      }
    });
  }
  for (std::thread& each : running) each.join();
  for (const auto& [outcome, count] : outcomes) std::cout << outcome << " " << count << "\n";
}

}  // namespace
}  // namespace sluice

int main(int argc, char** argv) {
  if (argc == 2) {
    sluice::test::CommitFault(argv[1]);
    return 0;
  }
  if (argc < 4) {
    std::cerr << "usage: door_threads THREADS CALLS FILE...\n";
    return 2;
  }
  try {
    std::vector<std::string> requests;
    for (int i = 3; i < argc; i++) requests.push_back(sluice::ReadFile(argv[i]));
    sluice::Run(std::stoi(argv[1]), std::stoi(argv[2]), requests);
  } catch (const std::exception& error) {
    std::cerr << error.what() << "\n";
    return 1;
  }
}
