// SPDX-License-Identifier: GPL-2.0-or-later
#include "quickjs/memory.h"

#include <malloc.h>
#include <sys/uio.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>

#include "quickjs/program.h"

namespace sluice {
namespace {

bool core_asked = false;

// What the allocator adds to a block, as QuickJS's own functions reckon it; the sum decides when to look for
// cycles.
constexpr size_t kOverhead = 8;

size_t UsableSize(const void* block) { return malloc_usable_size(const_cast<void*>(block)); }

void Count(JSMallocState* state, void* block) {
  state->malloc_count++;
  state->malloc_size += UsableSize(block) + kOverhead;
}

void Discount(JSMallocState* state, void* block) {
  state->malloc_count--;
  state->malloc_size -= UsableSize(block) + kOverhead;
}

void* Allocate(JSMallocState* state, size_t size) {
  void* block = malloc(size);
  if (block == nullptr) EndForWantOfMemory(kProgram.name);
  Count(state, block);
  return block;
}

void Free(JSMallocState* state, void* block) {
  if (block == nullptr) return;
  Discount(state, block);
  free(block);
}

void* Reallocate(JSMallocState* state, void* block, size_t size) {
  if (block == nullptr) return size == 0 ? nullptr : Allocate(state, size);
  if (size == 0) {
    Free(state, block);
    return nullptr;
  }
  Discount(state, block);
  void* longer = realloc(block, size);
  if (longer == nullptr) EndForWantOfMemory(kProgram.name);
  Count(state, longer);
  return longer;
}

iovec Part(const char* text) { return {const_cast<char*>(text), strlen(text)}; }

}  // namespace

void EndForWantOfMemory(const char* program_name) {
  const iovec line[] = {Part(program_name), Part(": out of memory"),
                        Part(core_asked ? "; what the kernel was asked for may have been done" : ""),
                        Part("\n")};
  // If nobody can be told, the exit code says it.
  [[maybe_unused]] const ssize_t written = writev(STDERR_FILENO, line, std::size(line));
  _exit(1);
}

void NoteCoreAsked() { core_asked = true; }

const JSMallocFunctions kMemory = {Allocate, Free, Reallocate, UsableSize};

}  // namespace sluice
