// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstddef>
#include <cstdint>

#include "core/core.h"

namespace sluice {

// What an executable runs. bytecode_compiler.cc writes the definition, one for each executable.
struct Program {
  const char* name;
  const uint8_t* bytecode;
  size_t size;
  Operations operations;  // what it asks of the core beside rules and settings
};

extern const Program kProgram;

}  // namespace sluice
