// SPDX-License-Identifier: GPL-2.0-or-later
//
// Preloaded: how long it is from the end of one replace of ip_tables to the beginning of the next, in
// nanoseconds on standard error.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <linux/netfilter_ipv4/ip_tables.h>
#include <stdio.h>
#include <sys/socket.h>
#include <time.h>

static long now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return time.tv_sec * 1000000000L + time.tv_nsec;
}

int setsockopt(int descriptor, int level, int option, const void* value, socklen_t length) {
  static int (*next)(int, int, int, const void*, socklen_t);
  static long ended;
  if (next == NULL) *(void**)&next = dlsym(RTLD_NEXT, "setsockopt");
  // The same number in both families.
  const int replaces = (level == IPPROTO_IP || level == IPPROTO_IPV6) && option == IPT_SO_SET_REPLACE;
  const long start = now();
  const int result = next(descriptor, level, option, value, length);
  if (!replaces) return result;
  if (ended != 0) fprintf(stderr, "gap %ld\n", start - ended);
  ended = now();
  return result;
}
