// SPDX-License-Identifier: GPL-2.0-or-later
#include "look/listeners.h"

#include <arpa/inet.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <string>

#include "core/error.h"
#include "look/lines.h"

namespace sluice::look {
namespace {

// Not /proc/net, which shows the namespace of the process's first thread.
constexpr const char* kDirectory = "/proc/thread-self/net/";

bool ReadNumber(std::string_view text, uint32_t& number, int base) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number, base);
  return error == std::errc() && end == text.data() + text.size();
}

// The word at the front, taken off.
std::string_view NextWord(std::string_view& text) {
  text.remove_prefix(std::min(text.find_first_not_of(' '), text.size()));
  const std::string_view word = text.substr(0, text.find(' '));
  text.remove_prefix(word.size());
  return word;
}

template <typename Wanted>
void ReadFile(const char* name, int family, const Wanted& wanted, std::vector<Listener>& listeners) {
  const std::string path = std::string(kDirectory) + name;
  Lines lines(path);
  if (!lines.valid()) {
    // A kernel without IPv6 has no tcp6.
    if (errno == ENOENT && family == AF_INET6) return;
    throw SystemCallError(errno, "open", "cannot read " + path);
  }
  std::string line;
  lines.Next(line);  // the heading
  // Listening sockets come first (net/ipv4/tcp_ipv4.c, tcp_get_idx): there may be thousands of others.
  for (Listener listener; lines.Next(line) && ParseListener(line, family, listener);) {
    if (wanted(listener)) listeners.push_back(listener);
  }
}

}  // namespace

bool ParseListener(std::string_view line, int family, Listener& listener) {
  NextWord(line);  // its number
  const std::string_view local = NextWord(line);
  NextWord(line);  // the other end
  const std::string_view state = NextWord(line);
  const size_t words = family == AF_INET ? 1 : 4;
  if (state != "0A" || local.size() != words * 8 + 5 || local[words * 8] != ':') return false;
  listener.address = InetAddress{family, {}};
  for (size_t i = 0; i < words; ++i) {
    uint32_t word = 0;  // in the byte order of the host, as it lies in memory
    if (!ReadNumber(local.substr(i * 8, 8), word, 16)) return false;
    std::memcpy(listener.address.bytes.data() + i * 4, &word, sizeof(word));
  }
  uint32_t port = 0;
  if (!ReadNumber(local.substr(words * 8 + 1), port, 16)) return false;
  listener.port = static_cast<uint16_t>(port);
  for (int i = 0; i < 3; ++i) NextWord(line);  // queues, timer, retransmissions
  return ReadNumber(NextWord(line), listener.uid, 10);
}

std::vector<Listener> Listeners(const std::set<uint16_t>& ports, const std::set<uint32_t>& uids) {
  const auto wanted = [&](const Listener& each) {
    return uids.count(each.uid) != 0 || ports.count(each.port) != 0;
  };
  std::vector<Listener> listeners;
  ReadFile("tcp", AF_INET, wanted, listeners);
  ReadFile("tcp6", AF_INET6, wanted, listeners);
  return listeners;
}

}  // namespace sluice::look
