// SPDX-License-Identifier: GPL-2.0-or-later
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>

#include "core/file_descriptor.h"
#include "files/descriptor.h"
#include "files/failure.h"
#include "files/files.h"

// Files are replaced by files beside them, so that under the final name there is always a whole one, also
// after a power cut.
namespace sluice::files {
namespace {

// A file of a name that isTemporary in src/host/files.ts knows. It goes with this, unless it got its final
// name.
class Temporary {
 public:
  Temporary(const std::string& path, std::string attempt)
      : path_(path + ".sluice-new-XXXXXX"),
        attempt_(std::move(attempt)),
        descriptor_(mkostemp(path_.data(), O_CLOEXEC)) {
    if (!descriptor_.valid()) throw Failure(errno, attempt_);
  }
  Temporary(const Temporary&) = delete;
  Temporary& operator=(const Temporary&) = delete;
  ~Temporary() {
    if (descriptor_.valid() && !path_.empty()) unlink(path_.c_str());
  }

  int descriptor() const { return descriptor_.get(); }
  const std::string& attempt() const { return attempt_; }

  void MoveTo(const std::string& path, mode_t mode, const std::string& expected) {
    if (fchmod(descriptor_.get(), mode) != 0 || fsync(descriptor_.get()) != 0) throw Failure(errno, attempt_);
    // What comes between this look and the renaming is lost; there is no system call that does both.
    if (!expected.empty()) {
      const std::optional<Status> found = Look(path);
      if ((found ? found->version : "absent") != expected) {
        throw Failure(ESTALE, attempt_, "another program has changed it meanwhile");
      }
    }
    if (rename(path_.c_str(), path.c_str()) != 0) throw Failure(errno, attempt_);
    path_.clear();
    SyncFolder(path);
  }

 private:
  std::string path_;
  std::string attempt_;
  FileDescriptor descriptor_;
};

}  // namespace

void Replace(const std::string& path, std::string_view text, mode_t mode, const std::string& expected) {
  Temporary file(path, "cannot write " + path);
  WriteFully(file.descriptor(), text, file.attempt());
  file.MoveTo(path, mode, expected);
}

void Copy(const std::string& from, const std::string& to, mode_t mode) {
  const std::string attempt = "cannot copy " + from + " to " + to;
  const FileDescriptor source = OpenRegular(from, attempt);
  Temporary file(to, attempt);
  char buffer[65536];
  while (const size_t count = ReadSome(source.get(), buffer, sizeof buffer, attempt)) {
    WriteFully(file.descriptor(), {buffer, count}, attempt);
  }
  file.MoveTo(to, mode, "");
}

}  // namespace sluice::files
