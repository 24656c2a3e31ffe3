// SPDX-License-Identifier: GPL-2.0-or-later

// nf_tables as a kernel that says anything: the first byte of the input is one of a few requests, what
// follows is what recv(2) gives, datagram by datagram. So everything that reads a dump is on the way: the
// sequence of questions, tables, chains, rules, sets and elements through libnftnl, the plan, the
// acknowledgements of a batch, and the reply of the door. Nothing of it reaches a kernel.
//
// With SLUICE_FUZZ_RECORD=FILE it is the other way round: the kernel is asked, and an input is written.

#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <string>
#include <string_view>

#include "core/core.h"
#include "fuzz/check.h"
#include "fuzz/framing.h"
#include "fuzz/nft_requests.h"
#include "fuzz/replay.h"
#include "nft/commit.h"
#include "nftables/commit.h"

namespace {

sluice::fuzz::Replay replay({});
// While it is written. A stream of its own for each call: the process ends as libFuzzer likes.
std::string record;
size_t calls = 0;
bool framed = true;

const char* RecordFile() { return getenv("SLUICE_FUZZ_RECORD"); }

// A commit begins again for as long as others change the rules, and no kernel answers for ever.
constexpr size_t kMostCalls = 4096;

}  // namespace

extern "C" ssize_t recv(int socket, void* buffer, size_t size, int flags) {
  if (RecordFile() != nullptr) {
    const ssize_t received = syscall(SYS_recvfrom, socket, buffer, size, flags, nullptr, nullptr);
    if (received < 0) return received;
    record.push_back(static_cast<char>(received & 0xff));
    record.push_back(static_cast<char>(received >> 8));
    record.append(static_cast<const char*>(buffer), static_cast<size_t>(received));
    return received;
  }
  const auto piece = ++calls > kMostCalls ? std::nullopt : replay.Next();
  if (!piece) {
    errno = EAGAIN;
    return -1;
  }
  const size_t length = std::min(piece->size(), size);
  memcpy(buffer, piece->data(), length);
  if (!sluice::fuzz::Framed({static_cast<const char*>(buffer), length})) {
    replay = sluice::fuzz::Replay({});
    framed = false;
    errno = EAGAIN;
    return -1;
  }
  return static_cast<ssize_t>(length);
}

extern "C" ssize_t sendto(int socket, const void* buffer, size_t size, int flags, const sockaddr* address,
                          socklen_t length) {
  if (RecordFile() == nullptr) return static_cast<ssize_t>(size);
  return syscall(SYS_sendto, socket, buffer, size, flags, address, length);
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return -1;
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  replay = sluice::fuzz::Replay(input.substr(1));
  record.assign(1, input[0]);
  calls = 0;
  framed = true;
  sluice::Backends backends;
  backends.nft = &sluice::nft::kBackend;
  backends.nftables = &sluice::nftables::kBackend;
  backends.rehearsals.nft = sluice::nft::Rehearse;
  backends.rehearsals.nftables = sluice::nftables::Rehearse;
  const auto& requests = sluice::fuzz::kNftRequests;
  sluice::fuzz::CheckReply(
      sluice::Call(requests[static_cast<uint8_t>(input[0]) % requests.size()], backends).text);
  if (const char* file = RecordFile()) std::ofstream(file, std::ios::binary) << record;
  return framed ? 0 : -1;
}
