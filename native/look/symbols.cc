// SPDX-License-Identifier: GPL-2.0-or-later
#include "look/symbols.h"

#include "look/lines.h"

namespace sluice::look {

std::set<std::string> FindSymbols(const std::set<std::string>& names) {
  std::set<std::string> found;
  Lines lines("/proc/kallsyms");
  if (!lines.valid()) return found;
  // Address, type, name, and behind a tab the module.
  for (std::string line; found.size() < names.size() && lines.Next(line);) {
    const size_t begin = line.rfind(' ') + 1;
    const std::string name = line.substr(begin, line.find('\t') - begin);
    if (names.count(name) != 0) found.insert(name);
  }
  return found;
}

}  // namespace sluice::look
