// SPDX-License-Identifier: GPL-2.0-or-later
//
// The limit: what a first install takes a C program that does nothing else. It leaves in the kernel exactly
// what install() leaves for Linkerd's default flags (test/kernel/bench-limit.test.ts), or for long lists, by
// the same protocol.
//
//   limit MODE [--skip-ports N] [--skip-subnets N] [--once]    MODE: nft, legacy or nftables
//
// For each line of standard input it does a round in a fresh network namespace and prints its nanoseconds:
// "whole" to read, commit and read back, "kernel" from the socket to the acknowledgement. With --once it does
// the whole in this namespace, and ends.
#define _GNU_SOURCE
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "modes.h"

static const struct mode* const kModes[] = {&kNft, &kNftables, &kLegacy};

long now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return time.tv_sec * 1000000000L + time.tv_nsec;
}

static void end_with_usage(void) {
  fputs("limit: usage: limit nft|legacy|nftables [--skip-ports N] [--skip-subnets N] [--once]\n", stderr);
  exit(1);
}

static const struct mode* mode_called(const char* name) {
  for (size_t i = 0; i < sizeof kModes / sizeof *kModes; ++i) {
    if (strcmp(kModes[i]->name, name) == 0) return kModes[i];
  }
  end_with_usage();
  return NULL;
}

static int length_of_list(const char* text, long most) {
  char* end;
  const long length = strtol(text, &end, 10);
  if (*end != '\0' || length < 1 || length > most) {
    fprintf(stderr, "limit: %s: not a length from 1 to %ld\n", text, most);
    exit(1);
  }
  return (int)length;
}

static void rounds(const struct mode* mode) {
  char line[16];
  while (fgets(line, sizeof line, stdin) != NULL) {
    check(unshare(CLONE_NEWNET) != 0, "unshare");
    // Until the end: the kernel takes milliseconds to clear one away, during which the next round would wait.
    check(open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC) < 0, "the network namespace");
    printf("%ld\n", strcmp(line, "kernel\n") == 0 ? mode->kernel() : mode->whole());
    fflush(stdout);
  }
}

int main(int argc, char** argv) {
  if (argc < 2) end_with_usage();
  const struct mode* mode = mode_called(argv[1]);
  struct lists lists = {0, 0};
  bool once = false;
  for (int i = 2; i < argc; ++i) {
    if (strcmp(argv[i], "--once") == 0) {
      once = true;
    } else if (strcmp(argv[i], "--skip-ports") == 0 && i + 1 < argc) {
      lists.skipped_ports = length_of_list(argv[++i], MOST_PORTS);
    } else if (strcmp(argv[i], "--skip-subnets") == 0 && i + 1 < argc) {
      lists.skipped_subnets = length_of_list(argv[++i], MOST_SUBNETS);
    } else {
      end_with_usage();
    }
  }
  mode->prepare(lists);
  if (once) {
    mode->whole();
  } else {
    rounds(mode);
  }
  return 0;
}
