// SPDX-License-Identifier: GPL-2.0-or-later
//
// Kills a program at some moment, more exactly than Node's timers could: what it runs before its end is not
// waited for.
//
//   kill-after MICROSECONDS PROGRAM ARGUMENT…    from the moment at which the program has been executed
//
// Prints how long the program ran, in microseconds, and exits with 0 if it was killed, with 1 if it had ended
// by itself.
#define _GNU_SOURCE
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

extern char** environ;

static long microseconds(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return time.tv_sec * 1000000L + time.tv_nsec / 1000;
}

int main(int argc, char** argv) {
  if (argc < 3) {
    fputs("usage: kill-after MICROSECONDS PROGRAM ARGUMENT...\n", stderr);
    return 2;
  }
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
  posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
  pid_t child;
  // Returns when the program was executed (vfork(2)).
  if (posix_spawnp(&child, argv[2], &actions, NULL, argv + 2, environ) != 0) {
    fprintf(stderr, "kill-after: cannot start %s\n", argv[2]);
    return 2;
  }
  const long start = microseconds(), limit = atol(argv[1]);
  int status = 0;
  pid_t ended = 0;
  while (ended == 0 && microseconds() - start < limit) ended = waitpid(child, &status, WNOHANG);
  if (ended == 0) {
    kill(child, SIGKILL);
    ended = waitpid(child, &status, 0);
  }
  printf("%ld\n", microseconds() - start);
  return ended == child && WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL ? 0 : 1;
}
