// SPDX-License-Identifier: GPL-2.0-or-later
#include "xtables/extension.h"

namespace sluice::xtables {

std::optional<Match> DecodeMatch(const Extension& extension) {
  if (auto match = DecodeOwner(extension)) return match;
  if (auto match = DecodeMultiport(extension)) return match;
  return DecodePorts(extension);
}

}  // namespace sluice::xtables
