// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include "quickjs/program.h"

namespace sluice {

// Runs the program until nothing of it is left to run, and gives its exit code. Whatever goes wrong is one
// line on standard error and exit code 1; a program that is left waiting for something that can never happen,
// too.
int Run(const Program& program, int argc, char** argv);

}  // namespace sluice
