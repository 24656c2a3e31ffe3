// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include "rules.h"

// A mode's first install, into the network namespace of the calling thread. All of them return nanoseconds.
struct mode {
  const char* name;
  // What does not count: the rules as values.
  void (*prepare)(struct lists lists);
  // The whole protocol, from before the first socket or lock: read, build, commit, read back, parse, count.
  // With the closing, for which install()'s promise waits as well.
  long (*whole)(void);
  // From socket() to the acknowledgement of what was built before; in legacy the commit alone.
  long (*kernel)(void);
};

extern const struct mode kNft;
extern const struct mode kNftables;
extern const struct mode kLegacy;

long now(void);
