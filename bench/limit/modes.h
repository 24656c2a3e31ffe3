// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include "rules.h"

// A mode's first install, into the network namespace of the calling thread. All of them return nanoseconds.
struct mode {
  const char* name;
  // What does not count: the rules as values.
  void (*prepare)(struct lists lists);
  // The whole protocol: read, build, commit, read back, parse, count.
  long (*whole)(void);
  // From socket() to the acknowledgement of what was built before.
  long (*kernel)(void);
};

extern const struct mode kNft;
extern const struct mode kNftables;
extern const struct mode kLegacy;

long now(void);
