// SPDX-License-Identifier: GPL-2.0-or-later
//
// Both ends of very many connections. Who accepts says who he is, in one letter, and sends back whatever
// comes after that. Who connects counts what became of each connection.
//
//   traffic answer PORT=LETTER...                  LETTER `!`: resets what it accepts
//   traffic open ADDRESS PORT SECONDS LIMIT_MS     one after another, for so long, or until its input ends
//
// Writes a line when it listens; of connections, their counts so far, every few hundred and at the end.

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>
#include <string>

namespace {

using Clock = std::chrono::steady_clock;

constexpr int kBacklog = 4096;
constexpr long kBetweenReports = 250;

[[noreturn]] void Fail(const char* what) {
  perror(what);
  exit(1);
}

// An end by RST leaves no socket and no port behind on either side, of which there would soon be none left.
void CloseAtOnce(int socket) {
  const linger at_once = {1, 0};
  setsockopt(socket, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
  close(socket);
}

int Listen(int port) {
  const int listener = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  sockaddr_in6 address{};
  address.sin6_family = AF_INET6;
  address.sin6_port = htons(static_cast<uint16_t>(port));
  if (listener < 0 || bind(listener, reinterpret_cast<sockaddr*>(&address), sizeof(address)) != 0 ||
      listen(listener, kBacklog) != 0) {
    Fail("listen");
  }
  return listener;
}

// False when the connection is over.
bool Echo(int connection) {
  char bytes[512];
  const ssize_t got = recv(connection, bytes, sizeof(bytes), 0);
  if (got < 0) return errno == EAGAIN;
  return got > 0 && send(connection, bytes, static_cast<size_t>(got), MSG_NOSIGNAL) == got;
}

int Answer(char** arguments, int count) {
  const rlimit files = {65536, 65536};
  setrlimit(RLIMIT_NOFILE, &files);
  const int all = epoll_create1(EPOLL_CLOEXEC);
  std::map<int, char> letters;
  const auto watch = [&](int descriptor) {
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.fd = descriptor;
    if (epoll_ctl(all, EPOLL_CTL_ADD, descriptor, &event) != 0) Fail("epoll_ctl");
  };
  for (int i = 0; i < count; ++i) {
    const char* equals = strchr(arguments[i], '=');
    if (equals == nullptr) return 2;
    const int listener = Listen(atoi(arguments[i]));
    letters[listener] = equals[1];
    watch(listener);
  }
  puts("listening");
  fflush(stdout);
  for (;;) {
    epoll_event events[64];
    const int ready = epoll_wait(all, events, 64, -1);
    for (int i = 0; i < ready; ++i) {
      const int descriptor = events[i].data.fd;
      const auto listener = letters.find(descriptor);
      if (listener == letters.end()) {
        if (!Echo(descriptor)) close(descriptor);
        continue;
      }
      const int connection = accept4(descriptor, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
      if (connection < 0) continue;
      if (listener->second == '!') {
        CloseAtOnce(connection);
      } else if (send(connection, &listener->second, 1, MSG_NOSIGNAL) == 1) {
        watch(connection);
      } else {
        close(connection);
      }
    }
  }
}

struct Address {
  sockaddr_storage storage{};
  socklen_t length = 0;
};

Address Parse(const char* text, int port) {
  Address address;
  auto* v4 = reinterpret_cast<sockaddr_in*>(&address.storage);
  auto* v6 = reinterpret_cast<sockaddr_in6*>(&address.storage);
  if (inet_pton(AF_INET, text, &v4->sin_addr) == 1) {
    v4->sin_family = AF_INET;
    v4->sin_port = htons(static_cast<uint16_t>(port));
    address.length = sizeof(*v4);
  } else if (inet_pton(AF_INET6, text, &v6->sin6_addr) == 1) {
    v6->sin6_family = AF_INET6;
    v6->sin6_port = htons(static_cast<uint16_t>(port));
    address.length = sizeof(*v6);
  } else {
    Fail(text);
  }
  return address;
}

std::string OutcomeOfError(int error_number) {
  switch (error_number) {
    case ECONNREFUSED:
      return "refused";
    case ECONNRESET:
    case EPIPE:
      return "reset";
    case EINPROGRESS:  // connect(2) after SO_SNDTIMEO
    case EAGAIN:       // recv(2) after SO_RCVTIMEO
    case ETIMEDOUT:
      return "timed out";
    default:
      return strerror(error_number);
  }
}

// The letter of who answered, or what happened instead.
std::string Connect(const Address& address, int limit_ms) {
  const int connection = socket(address.storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (connection < 0) Fail("socket");
  const timeval limit = {limit_ms / 1000, limit_ms % 1000 * 1000};
  setsockopt(connection, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
  setsockopt(connection, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
  std::string outcome;
  if (connect(connection, reinterpret_cast<const sockaddr*>(&address.storage), address.length) != 0) {
    outcome = OutcomeOfError(errno);
  } else {
    char letter = 0;
    const ssize_t got = recv(connection, &letter, 1, 0);
    outcome = got == 1 ? std::string(1, letter) : got == 0 ? "ended" : OutcomeOfError(errno);
  }
  CloseAtOnce(connection);
  return outcome;
}

void Report(const std::map<std::string, long>& outcomes, double worst_ms) {
  printf("{\"worst ms\": %.1f", worst_ms);
  for (const auto& [outcome, count] : outcomes) printf(", \"%s\": %ld", outcome.c_str(), count);
  puts("}");
  fflush(stdout);
}

bool InputEnded() {
  pollfd input = {STDIN_FILENO, POLLIN, 0};
  char byte;
  return poll(&input, 1, 0) > 0 && read(STDIN_FILENO, &byte, 1) <= 0;
}

int Open(char** arguments) {
  const Address address = Parse(arguments[0], atoi(arguments[1]));
  const auto end = Clock::now() + std::chrono::seconds(atoi(arguments[2]));
  const int limit_ms = atoi(arguments[3]);
  std::map<std::string, long> outcomes;
  double worst_ms = 0;
  for (long opened = 1; !InputEnded() && Clock::now() < end; ++opened) {
    const auto start = Clock::now();
    ++outcomes[Connect(address, limit_ms)];
    worst_ms = std::max(worst_ms, std::chrono::duration<double, std::milli>(Clock::now() - start).count());
    if (opened % kBetweenReports == 0) Report(outcomes, worst_ms);
  }
  Report(outcomes, worst_ms);
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  const std::string verb = argc > 1 ? argv[1] : "";
  if (verb == "answer" && argc > 2) return Answer(argv + 2, argc - 2);
  if (verb == "open" && argc == 6) return Open(argv + 2);
  fputs("usage: traffic answer PORT=LETTER...\n       traffic open ADDRESS PORT SECONDS LIMIT_MS\n", stderr);
  return 2;
}
