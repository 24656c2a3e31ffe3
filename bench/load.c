// SPDX-License-Identifier: GPL-2.0-or-later
//
// Opens connections to a server that ends each, so many at a time. Prints how many a second.
//
//   load ADDRESS PORT CONNECTIONS AT-A-TIME
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { TIMEOUT_MS = 5000, EVENTS = 64 };

static void check(int failed, const char* what) {
  if (!failed) return;
  perror(what);
  exit(1);
}

static double seconds(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static void open_connection(int epoll, const struct sockaddr_in* server) {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
  check(fd < 0, "socket");
  // An end by RST: neither side keeps the connection.
  const struct linger linger = {.l_onoff = 1, .l_linger = 0};
  check(setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof linger) != 0, "setsockopt");
  check(connect(fd, (const struct sockaddr*)server, sizeof *server) != 0 && errno != EINPROGRESS, "connect");
  struct epoll_event event = {.events = EPOLLIN | EPOLLRDHUP, .data.fd = fd};
  check(epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) != 0, "epoll_ctl");
}

int main(int argc, char** argv) {
  if (argc != 5) {
    fputs("usage: load ADDRESS PORT CONNECTIONS AT-A-TIME\n", stderr);
    return 2;
  }
  struct sockaddr_in server = {.sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(argv[2]))};
  check(inet_pton(AF_INET, argv[1], &server.sin_addr) != 1, argv[1]);
  const int connections = atoi(argv[3]);
  const int epoll = epoll_create1(EPOLL_CLOEXEC);
  check(epoll < 0, "epoll_create1");

  const double start = seconds();
  int opened = 0;
  for (; opened < connections && opened < atoi(argv[4]); ++opened) open_connection(epoll, &server);
  for (int ended = 0; ended < connections;) {
    struct epoll_event events[EVENTS];
    const int count = epoll_wait(epoll, events, EVENTS, TIMEOUT_MS);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) {
      fprintf(stderr, "load: the server ended %d of %d connections\n", ended, connections);
      return 1;
    }
    for (int i = 0; i < count; ++i, ++ended) {
      char byte;
      if (read(events[i].data.fd, &byte, 1) < 0) check(1, "read");
      close(events[i].data.fd);
      if (opened < connections) {
        open_connection(epoll, &server);
        ++opened;
      }
    }
  }
  printf("%.0f\n", connections / (seconds() - start));
  return 0;
}
