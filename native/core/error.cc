// SPDX-License-Identifier: GPL-2.0-or-later
#include "core/error.h"

#include <cerrno>

namespace sluice {

const char* Name(ErrorCode code) {
  switch (code) {
    case ErrorCode::kPermissionDenied:
      return "permission-denied";
    case ErrorCode::kModeUnavailable:
      return "mode-unavailable";
    case ErrorCode::kFamilyUnavailable:
      return "family-unavailable";
    case ErrorCode::kTableDormant:
      return "table-dormant";
    case ErrorCode::kTableOwned:
      return "table-owned";
    case ErrorCode::kChainIncompatible:
      return "chain-incompatible";
    case ErrorCode::kRefused:
      return "refused";
    case ErrorCode::kTimedOut:
      return "timed-out";
    case ErrorCode::kLockUnavailable:
      return "lock-unavailable";
    case ErrorCode::kRollbackFailed:
      return "rollback-failed";
    case ErrorCode::kVerificationFailed:
      return "verification-failed";
    case ErrorCode::kNamespace:
      return "namespace";
    case ErrorCode::kSysctl:
      return "sysctl";
    case ErrorCode::kInvalidRequest:
      return "invalid-request";
    case ErrorCode::kSystemCallFailed:
      break;
  }
  return "system-call-failed";
}

// strerrorname_np is glibc's alone, and these are all that the calls made here answer with.
const char* ErrnoName(int number) {
  switch (number) {
#define SLUICE_ERRNO(name) \
  case name:               \
    return #name;
    SLUICE_ERRNO(EPERM)
    SLUICE_ERRNO(ENOENT)
    SLUICE_ERRNO(EINTR)
    SLUICE_ERRNO(EIO)
    SLUICE_ERRNO(EBADF)
    SLUICE_ERRNO(EAGAIN)
    SLUICE_ERRNO(ENOMEM)
    SLUICE_ERRNO(EACCES)
    SLUICE_ERRNO(EBUSY)
    SLUICE_ERRNO(EEXIST)
    SLUICE_ERRNO(ENODEV)
    SLUICE_ERRNO(ENOTDIR)
    SLUICE_ERRNO(EFBIG)
    SLUICE_ERRNO(EISDIR)
    SLUICE_ERRNO(EINVAL)
    SLUICE_ERRNO(ENFILE)
    SLUICE_ERRNO(EMFILE)
    SLUICE_ERRNO(ENOSPC)
    SLUICE_ERRNO(EROFS)
    SLUICE_ERRNO(ERANGE)
    SLUICE_ERRNO(ELOOP)
    SLUICE_ERRNO(ENOPROTOOPT)
    SLUICE_ERRNO(ENXIO)
    SLUICE_ERRNO(E2BIG)
    SLUICE_ERRNO(ENOLCK)
    SLUICE_ERRNO(ENOTEMPTY)
    SLUICE_ERRNO(ENAMETOOLONG)
    SLUICE_ERRNO(EOVERFLOW)
    SLUICE_ERRNO(EMSGSIZE)
    SLUICE_ERRNO(EPROTONOSUPPORT)
    SLUICE_ERRNO(EOPNOTSUPP)
    SLUICE_ERRNO(EAFNOSUPPORT)
    SLUICE_ERRNO(ENOBUFS)
    SLUICE_ERRNO(ETIMEDOUT)
    SLUICE_ERRNO(ENETDOWN)
    SLUICE_ERRNO(EMLINK)
    SLUICE_ERRNO(EADDRINUSE)
    SLUICE_ERRNO(EADDRNOTAVAIL)
    SLUICE_ERRNO(ENETUNREACH)
    SLUICE_ERRNO(EHOSTUNREACH)
    SLUICE_ERRNO(ECONNREFUSED)
    SLUICE_ERRNO(ECONNRESET)
    SLUICE_ERRNO(EPIPE)
    SLUICE_ERRNO(ESTALE)
    SLUICE_ERRNO(EILSEQ)
    SLUICE_ERRNO(EDQUOT)
    SLUICE_ERRNO(EXDEV)
    SLUICE_ERRNO(ETXTBSY)
    SLUICE_ERRNO(ECANCELED)
#undef SLUICE_ERRNO
    default:
      return "";
  }
}

Error SystemCallError(int error_number, std::string syscall, std::string what_was_tried) {
  const bool denied = error_number == EPERM || error_number == EACCES;
  Error error(denied ? ErrorCode::kPermissionDenied : ErrorCode::kSystemCallFailed,
              std::move(what_was_tried));
  error.error_number = error_number;
  error.syscall = std::move(syscall);
  return error;
}

Error OutOfMemory() { return Error(ErrorCode::kSystemCallFailed, "out of memory"); }

}  // namespace sluice
