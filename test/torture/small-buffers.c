// SPDX-License-Identifier: GPL-2.0-or-later
//
// Loaded before a program (LD_PRELOAD): its netlink sockets to netfilter get a receive buffer of SMALL_BUFFER
// bytes, of which the kernel makes twice as many, and 2304 at least. What finds no room in it is lost
// (ENOBUFS).
#define _GNU_SOURCE
#include <dlfcn.h>
#include <linux/netlink.h>
#include <stdlib.h>
#include <sys/socket.h>

int socket(int domain, int type, int protocol) {
  int (*next)(int, int, int) = (int (*)(int, int, int))dlsym(RTLD_NEXT, "socket");
  const int made = next(domain, type, protocol);
  const char* wanted = getenv("SMALL_BUFFER");
  const int size = wanted == NULL ? 0 : atoi(wanted);
  if (made >= 0 && domain == AF_NETLINK && protocol == NETLINK_NETFILTER) {
    setsockopt(made, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
  }
  return made;
}
