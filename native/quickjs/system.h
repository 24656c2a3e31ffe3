// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

// What the static executable asks of libc. Failures are thrown as std::runtime_error; the text is for people.
namespace sluice {

// The most that is read of one file, and what the Node host reads, too.
constexpr size_t kLongestFile = size_t{16} << 20;

// Makes descriptors 0 to 2 refer to something, so that no socket can be taken for standard output, and turns
// SIGPIPE into an error of write(2). Node does both. SIGXFSZ, too: a log that may not grow is no reason to
// say nothing at all.
void PrepareDescriptors();

// From now on SIGINT and SIGTERM end nothing by themselves: they are noted. Without a handler they would also
// be lost on the first process of a container.
void CatchSignals();

// The first of them that came; none so far, or none are caught.
std::optional<int> CaughtSignal();

// Readable once one has come; -1 when none are caught.
int SignalDescriptor();

// A variable of the environment. Nothing under secure execution (file capabilities): whoever starts the
// program then has fewer rights than it.
std::optional<std::string> Environment(const std::string& name);

// The bytes of a file; "-" is standard input.
std::string ReadFile(const std::string& path);

// Writes all of it, also to a pipe or terminal that is in non-blocking mode.
void WriteAll(int descriptor, std::string_view text);

}  // namespace sluice
