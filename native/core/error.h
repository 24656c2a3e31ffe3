// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstddef>
#include <exception>
#include <new>
#include <optional>
#include <string>
#include <utility>

#include "core/ruleset.h"

namespace sluice {

// NetfilterErrorCode of src/kernel/error.ts.
enum class ErrorCode {
  kPermissionDenied,
  kModeUnavailable,
  kFamilyUnavailable,
  kTableDormant,
  kTableOwned,
  kChainIncompatible,
  kRefused,
  kTimedOut,
  kLockUnavailable,
  kRollbackFailed,
  kVerificationFailed,
  kNamespace,
  kSysctl,
  kInvalidRequest,
  kSystemCallFailed,
};

const char* Name(ErrorCode code);

// EINVAL for 22; an empty string for a number that the table does not hold.
const char* ErrnoName(int number);

// What was tried, on what, and what the kernel said. Serialised as the "error" of a reply (docs/core.md).
struct Error : std::exception {
  Error(ErrorCode error_code, std::string what_was_tried)
      : code(error_code), detail(std::move(what_was_tried)) {}

  const char* what() const noexcept override { return detail.c_str(); }

  ErrorCode code;
  std::string detail;
  int error_number = 0;
  std::string syscall;
  std::optional<Family> family;
  std::string table;
  std::string chain;
  std::optional<size_t> rule;
  std::string part;
  std::string set;  // by its name, where it is about a set
};

// The error of a system call that has just failed, with the code that the errno stands for.
Error SystemCallError(int error_number, std::string syscall, std::string what_was_tried);

Error OutOfMemory();

// Memory has come to its end after rules were sent. Takes none itself.
class SentWithoutMemory : public std::bad_alloc {};

}  // namespace sluice
