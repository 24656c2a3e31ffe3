// SPDX-License-Identifier: GPL-2.0-or-later
//
// Loaded before a program (LD_PRELOAD): to close a netlink socket to netfilter takes two seconds, as a busy
// kernel does not take, but some hundredth of it, when rules were deleted.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <linux/netlink.h>
#include <sys/socket.h>
#include <unistd.h>

static int is_netfilter(int descriptor) {
  int domain = 0;
  int protocol = 0;
  socklen_t length = sizeof(domain);
  if (getsockopt(descriptor, SOL_SOCKET, SO_DOMAIN, &domain, &length) != 0) return 0;
  length = sizeof(protocol);
  if (getsockopt(descriptor, SOL_SOCKET, SO_PROTOCOL, &protocol, &length) != 0) return 0;
  return domain == AF_NETLINK && protocol == NETLINK_NETFILTER;
}

int close(int descriptor) {
  int (*next)(int) = (int (*)(int))dlsym(RTLD_NEXT, "close");
  if (is_netfilter(descriptor)) sleep(2);
  return next(descriptor);
}
