// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstddef>
#include <string_view>

namespace sluice::fuzz {

// Whether the kernel could have written these messages of nf_tables: numbers have their size, texts their
// end, and what an attribute needs is there (net/netfilter/nf_tables_api.c). libnftnl takes that for granted,
// and ends the process, or worse, where it is not so; it is not what is looked for here. What the numbers,
// the texts, and the data of extensions say is anything, and so is the order, the number and the kind of
// messages and attributes.
bool Framed(std::string_view datagram);

}  // namespace sluice::fuzz
