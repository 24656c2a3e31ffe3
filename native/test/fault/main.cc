// SPDX-License-Identifier: GPL-2.0-or-later
#include "test/fault/fault.h"

// `fault KIND`: commits one, and ends well, unless somebody sees it.
int main(int argc, char** argv) {
  if (argc != 2) return 2;
  sluice::test::CommitFault(argv[1]);
  return 0;
}
