// SPDX-License-Identifier: GPL-2.0-or-later
//
// Times commands, one process after the other, in a fresh network namespace each time: making the namespace
// is not part of it, and of this program only fork, exec and wait are.
//
//   timed BEFORE FILE    FILE: a command on each line, its arguments separated by tabs; their output is
//   thrown away. So many of
//                        them come before, and are not timed.
//
// Prints nanoseconds in all, microseconds of processor time, and the most KiB of memory that one of them had.
#define _GNU_SOURCE
#include <fcntl.h>
#include <sched.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { MAX_COMMANDS = 256, MAX_ARGUMENTS = 64 };

extern char** environ;

static void check(int failed, const char* what) {
  if (!failed) return;
  perror(what);
  exit(1);
}

static long now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return time.tv_sec * 1000000000L + time.tv_nsec;
}

static long microseconds(struct timeval time) { return time.tv_sec * 1000000L + time.tv_usec; }

static char* read_file(const char* path) {
  FILE* file = fopen(path, "r");
  check(file == NULL, path);
  char* text = NULL;
  size_t size = 0;
  check(getdelim(&text, &size, '\0', file) < 0, path);
  fclose(file);
  return text;
}

int main(int argc, char** argv) {
  if (argc != 3) {
    fputs("usage: timed BEFORE FILE\n", stderr);
    return 2;
  }
  static char* commands[MAX_COMMANDS][MAX_ARGUMENTS + 1];
  int count = 0;
  char *line, *lines = read_file(argv[2]), *rest;
  while ((line = strsep(&lines, "\n")) != NULL) {
    if (*line == '\0') continue;
    int arguments = 0;
    for (rest = line; rest != NULL && count < MAX_COMMANDS && arguments < MAX_ARGUMENTS;) {
      commands[count][arguments++] = strsep(&rest, "\t");
    }
    if (rest != NULL || count == MAX_COMMANDS) {
      fprintf(stderr, "timed: %s: more than is foreseen\n", argv[2]);
      return 2;
    }
    ++count;
  }

  check(unshare(CLONE_NEWNET) != 0, "unshare");
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
  posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);

  const int before = atoi(argv[1]);
  long peak = 0, processor = 0, start = now();
  for (int i = 0; i < count; ++i) {
    if (i == before) start = now();
    pid_t pid;
    int status;
    struct rusage usage;
    if (posix_spawnp(&pid, commands[i][0], &actions, NULL, commands[i], environ) != 0) {
      fprintf(stderr, "timed: %s cannot be started\n", commands[i][0]);
      return 1;
    }
    check(wait4(pid, &status, 0, &usage) != pid, "wait4");
    if (status != 0) {
      fprintf(stderr, "timed: command %d of %s failed: %s\n", i + 1, argv[2], commands[i][0]);
      return 1;
    }
    if (i < before) continue;
    if (usage.ru_maxrss > peak) peak = usage.ru_maxrss;
    processor += microseconds(usage.ru_utime) + microseconds(usage.ru_stime);
  }
  printf("%ld %ld %ld\n", now() - start, processor, peak);
  return 0;
}
