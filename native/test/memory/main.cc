// SPDX-License-Identifier: GPL-2.0-or-later

// `door_memory once|all STEP BEFORE REQUEST INSPECTION`: how a request ends when an allocation of its work
// fails, for every STEPth one, in the own network namespace. Before each run the kernel holds what BEFORE
// says. The run is a process of its own, in which the N-th allocation fails, or the memory has come to its
// end with that. Prints a line each: the reply or how else it ended, a tab, and what INSPECTION is then told.
// The last run had no failure.

#include <malloc.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstddef>
#include <fstream>
#include <iostream>
#include <iterator>
#include <new>
#include <stdexcept>
#include <string>

#include "core/core.h"
#include "core/file_descriptor.h"
#include "legacy/commit.h"
#include "nft/commit.h"
#include "nftables/commit.h"

// glibc lets a program stand in for its allocator ("Replacing malloc" in its manual); these are what it had.
// NOLINTBEGIN(bugprone-reserved-identifier)
extern "C" {
void* __libc_malloc(size_t size);
void* __libc_calloc(size_t count, size_t size);
void* __libc_realloc(void* block, size_t size);
void __libc_free(void* block);
}
// NOLINTEND(bugprone-reserved-identifier)

namespace {

// Of the door's thread and of the one that it starts.
std::atomic<int> left = 0;       // allocations until one fails; 0: none does
std::atomic<bool> all = false;   // from then on there is only room for what has been given back
std::atomic<size_t> in_use = 0;  // bytes
std::atomic<size_t> limit = 0;   // of them; 0: none yet
std::atomic<bool> failed = false;

bool Fails(size_t size) {
  bool fails = limit != 0 && in_use + size > limit;
  if (left != 0 && --left == 0) {
    fails = true;
    if (all) limit = in_use.load();
  }
  if (!fails) return false;
  failed = true;
  errno = ENOMEM;
  return true;
}

void* Counted(void* block) {
  if (block != nullptr) in_use += malloc_usable_size(block);
  return block;
}

}  // namespace

extern "C" {
void* malloc(size_t size) { return Fails(size) ? nullptr : Counted(__libc_malloc(size)); }
void* calloc(size_t count, size_t size) {
  return Fails(count * size) ? nullptr : Counted(__libc_calloc(count, size));
}
void* realloc(void* block, size_t size) {
  if (Fails(size)) return nullptr;
  if (block != nullptr) in_use -= malloc_usable_size(block);
  return Counted(__libc_realloc(block, size));
}
void free(void* block) {
  if (block != nullptr) in_use -= malloc_usable_size(block);
  __libc_free(block);
}
}

namespace sluice {
namespace {

const Backends kBackends = {
    &nft::kBackend, &legacy::kBackend, &nftables::kBackend, nullptr, {}, {nullptr, nullptr, nullptr}};

std::string ReadFile(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::string text((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  if (!file) throw std::runtime_error("cannot read " + path);
  return text;
}

void WriteAll(int descriptor, const char* text, size_t size) {
  while (size > 0) {
    const ssize_t written = write(descriptor, text, size);
    if (written <= 0) _exit(2);
    text += written;
    size -= static_cast<size_t>(written);
  }
}

// The reply of a process in which the allocation fails; the process says so by its exit code if none did.
[[noreturn]] void RunOne(const std::string& request, int number, int output) {
  left = number;
  try {
    const Reply reply = Call(request, kBackends);
    left = 0;
    limit = 0;
    WriteAll(output, reply.text.data(), reply.text.size());
    _exit(failed ? 0 : 3);
  } catch (const std::bad_alloc&) {
    left = 0;
    limit = 0;
    constexpr std::string_view kSaid = "bad_alloc";
    WriteAll(output, kSaid.data(), kSaid.size());
    _exit(0);
  }
}

// How it ended; `last` becomes true when no allocation was left to fail.
std::string Run(const std::string& request, int number, bool& last) {
  int ends[2];
  if (pipe(ends) != 0) throw std::runtime_error("pipe");
  const FileDescriptor output(ends[0]);
  FileDescriptor input(ends[1]);
  const pid_t child = fork();
  if (child == 0) RunOne(request, number, input.get());
  input = FileDescriptor(-1);
  std::string text;
  char part[4096];
  for (ssize_t size; (size = read(output.get(), part, sizeof(part))) > 0;) {
    text.append(part, static_cast<size_t>(size));
  }
  int status = 0;
  waitpid(child, &status, 0);
  last = WIFEXITED(status) && WEXITSTATUS(status) == 3;
  return WIFSIGNALED(status) ? "signal " + std::to_string(WTERMSIG(status)) : text;
}

void RunAll(int step, const std::string& before, const std::string& request, const std::string& inspection) {
  bool last = false;
  for (int number = 1; !last; number += step) {
    const std::string prepared = Call(before, kBackends).text;
    if (prepared.rfind("{\"ok\":", 0) != 0) throw std::runtime_error(prepared);
    const std::string ended = Run(request, number, last);
    std::cout << ended << "\t" << Call(inspection, kBackends).text << "\n";
  }
}

}  // namespace
}  // namespace sluice

int main(int argc, char** argv) {
  if (argc != 6) {
    std::cerr << "usage: door_memory once|all STEP BEFORE REQUEST INSPECTION\n";
    return 2;
  }
  all = argv[1] == std::string("all");
  try {
    sluice::RunAll(std::stoi(argv[2]), sluice::ReadFile(argv[3]), sluice::ReadFile(argv[4]),
                   sluice::ReadFile(argv[5]));
  } catch (const std::exception& error) {
    std::cerr << error.what() << "\n";
    return 1;
  }
}
