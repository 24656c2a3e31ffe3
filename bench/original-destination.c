// SPDX-License-Identifier: GPL-2.0-or-later
//
// The floor of originalDestination(): getsockopt(SO_ORIGINAL_DST) alone, on the connection that is
// descriptor 3. Prints nanoseconds a call.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>

#define SO_ORIGINAL_DST 80 /* linux/netfilter_ipv4.h, which does not go together with netinet/in.h */

int main(int argc, char** argv) {
  const long calls = argc > 1 ? atol(argv[1]) : 100000;
  struct timespec start, end;
  clock_gettime(CLOCK_MONOTONIC, &start);
  for (long i = 0; i < calls; i++) {
    struct sockaddr_in address;
    socklen_t length = sizeof(address);
    if (getsockopt(3, SOL_IP, SO_ORIGINAL_DST, &address, &length) != 0) {
      perror("getsockopt");
      return 1;
    }
  }
  clock_gettime(CLOCK_MONOTONIC, &end);
  const double elapsed = (double)(end.tv_sec - start.tv_sec) * 1e9 + (double)(end.tv_nsec - start.tv_nsec);
  printf("%.1f\n", elapsed / (double)calls);
  return 0;
}
