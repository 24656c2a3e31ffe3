// SPDX-License-Identifier: GPL-2.0-or-later
#include <malloc.h>
#include <unistd.h>

#include "quickjs/host.h"
#include "quickjs/system.h"

int main(int argc, char** argv) {
  // The core's threads work while this one waits: arenas of their own would only cost memory and system
  // calls.
  mallopt(M_ARENA_MAX, 1);
  sluice::PrepareDescriptors();
  _exit(sluice::Run(sluice::kProgram, argc, argv));
}
