// SPDX-License-Identifier: GPL-2.0-or-later
//
// What connect() costs where rules redirect it: to addresses that nobody has, and so to a listener of this
// process. One connection after the other: nothing but the kernel's work is in it. Prints the median in
// nanoseconds.
//
//   connect ADDRESS PORT PLACES PROXY-PORT CONNECTIONS MILLISECONDS
//
// Connection i goes to one of PLACES: so many /23 behind ADDRESS, and twice as many ports behind PORT. It
// stops after so many connections, or so long, whichever comes first.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static long now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return time.tv_sec * 1000000000L + time.tv_nsec;
}

static void check(int result, const char* what) {
  if (result >= 0) return;
  perror(what);
  exit(1);
}

static int by_value(const void* a, const void* b) {
  const long x = *(const long*)a, y = *(const long*)b;
  return x < y ? -1 : x > y;
}

// A connection that was not redirected here would be waited for in vain.
static int new_socket(void) {
  const int made = socket(AF_INET, SOCK_STREAM, 0);
  check(made, "socket");
  const struct timeval patience = {.tv_sec = 2};
  check(setsockopt(made, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)), "setsockopt");
  check(setsockopt(made, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience)), "setsockopt");
  return made;
}

int main(int argc, char** argv) {
  if (argc != 7) return 2;
  struct in_addr first;
  if (inet_pton(AF_INET, argv[1], &first) != 1) return 2;
  const long port = atol(argv[2]), places = atol(argv[3]), proxy_port = atol(argv[4]);
  const long connections = atol(argv[5]);
  const long deadline = now() + atol(argv[6]) * 1000000L;

  const int listener = new_socket();
  const int on = 1;
  check(setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)), "setsockopt");
  struct sockaddr_in proxy = {.sin_family = AF_INET, .sin_port = htons((unsigned short)proxy_port)};
  check(bind(listener, (struct sockaddr*)&proxy, sizeof(proxy)), "bind");
  check(listen(listener, 8), "listen");

  long* times = calloc((size_t)connections, sizeof(*times));
  if (times == NULL) return 1;
  long made = 0;
  while (made < connections && now() < deadline) {
    const int client = new_socket();
    // Reset when closed: no TIME_WAIT, which would use up the ports.
    const struct linger reset = {.l_onoff = 1};
    check(setsockopt(client, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset)), "setsockopt");
    const long place = made * 7919 % places;  // a prime: neighbours in time are none in the list
    struct sockaddr_in target = {.sin_family = AF_INET,
                                 .sin_port = htons((unsigned short)(port + 2 * place))};
    target.sin_addr.s_addr = htonl(ntohl(first.s_addr) + (unsigned)place * 512);
    const long start = now();
    check(connect(client, (struct sockaddr*)&target, sizeof(target)), "connect");
    times[made++] = now() - start;
    const int accepted = accept(listener, NULL, NULL);
    check(accepted, "accept");
    close(client);
    close(accepted);
  }
  qsort(times, (size_t)made, sizeof(*times), by_value);
  printf("%ld\n", times[made / 2]);
  return 0;
}
