// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "core/core.h"

namespace sluice {

// What an executable runs. bytecode_compiler.cc writes the definition, one for each executable.
struct Program {
  const char* name;
  const uint8_t* bytecode;
  size_t size;
};

extern const Program kProgram;

// What an executable can do: one of backends/ is linked in (scripts/bundle.mjs says which), and with it only
// what that names.
extern const Backends kBackends;

// Something that an executable can do besides the core's requests: one JSON document each way. Throws
// std::exception for what the script did not expect; what it has to expect is in the answer.
struct Service {
  const char* name;
  std::string (*answer)(const std::string& request);
};

// Those of this executable, up to one without a name; also from backends/.
extern const Service kServices[];

}  // namespace sluice
