// SPDX-License-Identifier: GPL-2.0-or-later

// Runs a program as a container runtime does, in milliseconds and in the caller's network namespace: in a
// root that is read-only, as a user with these capabilities and a way to no others, under a seccomp filter,
// without HOME.
//
//   enter ROOT FILTER UID CAPABILITIES PROGRAM [ARGUMENT]…
//
// CAPABILITIES are bits, as CapEff in /proc/PID/status. The program's folder is /usr/local/bin in there.
// /proc is the caller's, by which tests name namespaces, and /tmp is the caller's, too; /run is empty and
// everybody's, as an emptyDir, and /dev has a few devices, among them what `validate` needs.

#include <fcntl.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>
#include <string>
#include <utility>
#include <vector>

namespace {

[[noreturn]] void Fail(const std::string& what) {
  std::fprintf(stderr, "enter: %s: %s\n", what.c_str(), std::strerror(errno));
  std::_Exit(125);
}

void Check(long result, const std::string& what) {
  if (result < 0) Fail(what);
}

std::vector<sock_filter> ReadFilter(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  const std::vector<char> bytes{std::istreambuf_iterator<char>(file), {}};
  std::vector<sock_filter> filter(bytes.size() / sizeof(sock_filter));
  if (filter.empty()) Fail(path);
  std::memcpy(filter.data(), bytes.data(), filter.size() * sizeof(sock_filter));
  return filter;
}

void Bind(const std::string& from, const std::string& to, unsigned long further = 0) {
  Check(mount(from.c_str(), to.c_str(), nullptr, MS_BIND | further, nullptr), "mount " + from + " on " + to);
}

// One mount alone, and not those below it. What a mount forbids besides, a user namespace may not allow
// again.
void MakeReadOnly(const std::string& path) {
  struct statvfs mounted {};
  Check(statvfs(path.c_str(), &mounted), "statvfs " + path);
  unsigned long flags = MS_REMOUNT | MS_BIND | MS_RDONLY;
  if ((mounted.f_flag & ST_NOSUID) != 0) flags |= MS_NOSUID;
  if ((mounted.f_flag & ST_NODEV) != 0) flags |= MS_NODEV;
  if ((mounted.f_flag & ST_NOEXEC) != 0) flags |= MS_NOEXEC;
  Check(mount(nullptr, path.c_str(), nullptr, flags, nullptr), "make " + path + " read-only");
}

// New ones, as runc makes them: the caller's may be for root alone. A user namespace may not, and gets the
// caller's.
void MakeDevices(const std::string& folder) {
  Check(mount("tmpfs", folder.c_str(), "tmpfs", MS_NOSUID | MS_NOEXEC, "mode=755"), "mount /dev");
  Check(mkdir((folder + "/net").c_str(), 0755), "mkdir /dev/net");
  const std::pair<const char*, dev_t> devices[] = {{"null", makedev(1, 3)},    {"zero", makedev(1, 5)},
                                                   {"full", makedev(1, 7)},    {"random", makedev(1, 8)},
                                                   {"urandom", makedev(1, 9)}, {"net/tun", makedev(10, 200)}};
  for (const auto& [name, number] : devices) {
    const std::string path = folder + "/" + name;
    if (mknod(path.c_str(), S_IFCHR | 0666, number) == 0) continue;
    Check(mknod(path.c_str(), S_IFREG | 0666, 0), "make " + path);
    Bind(std::string("/dev/") + name, path);
  }
  Check(symlink("/proc/self/fd", (folder + "/fd").c_str()), "link /dev/fd");
  Check(symlink("/proc/self/fd/0", (folder + "/stdin").c_str()), "link /dev/stdin");
}

void EnterRoot(const std::string& root, const std::string& programs) {
  Check(unshare(CLONE_NEWNS), "unshare");
  Check(mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr), "make / private");
  Bind(root, root);
  MakeReadOnly(root);
  Bind(programs, root + "/usr/local/bin");
  MakeReadOnly(root + "/usr/local/bin");
  Bind("/proc", root + "/proc", MS_REC);
  Bind("/tmp", root + "/tmp", MS_REC);
  Check(mount("tmpfs", (root + "/run").c_str(), "tmpfs", MS_NOSUID | MS_NODEV, "mode=777"), "mount /run");
  MakeDevices(root + "/dev");
  Check(chdir(root.c_str()), "chdir " + root);
  Check(syscall(SYS_pivot_root, ".", "."), "pivot_root");
  Check(umount2(".", MNT_DETACH), "umount the old root");
  Check(chdir("/"), "chdir /");
}

// A user namespace of a test's may have no other user than its root.
bool HasUser(unsigned uid) {
  std::ifstream map("/proc/self/uid_map");
  std::uint64_t inside = 0, outside = 0, count = 0;
  while (map >> inside >> outside >> count) {
    if (uid >= inside && uid - inside < count) return true;
  }
  return false;
}

void BecomeUser(unsigned uid, std::uint64_t capabilities) {
  for (int bit = 0; prctl(PR_CAPBSET_READ, bit, 0, 0, 0) >= 0; bit++) {
    if ((capabilities >> bit & 1) == 0)
      Check(prctl(PR_CAPBSET_DROP, bit, 0, 0, 0), "capability " + std::to_string(bit));
  }
  if (HasUser(uid)) {
    Check(prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0), "PR_SET_KEEPCAPS");
    // The system calls themselves, of this one thread.
    Check(syscall(SYS_setgroups, 0, nullptr), "setgroups");
    Check(syscall(SYS_setresgid, uid, uid, uid), "setresgid");
    Check(syscall(SYS_setresuid, uid, uid, uid), "setresuid");
  }
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  __user_cap_data_struct data[2];
  for (int i = 0; i < 2; i++) {
    const auto half = static_cast<std::uint32_t>(capabilities >> (32 * i));
    data[i] = {half, half, half};
  }
  Check(syscall(SYS_capset, &header, data), "capset");
  // Ambient, because a file's capabilities would make the program ignore what the environment says of the
  // xtables lock.
  for (int bit = 0; bit < 64; bit++) {
    if ((capabilities >> bit & 1) != 0) {
      Check(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, bit, 0, 0),
            "ambient capability " + std::to_string(bit));
    }
  }
}

std::uint64_t HeldCapabilities() {
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  __user_cap_data_struct data[2];
  Check(syscall(SYS_capget, &header, data), "capget");
  return data[0].permitted | static_cast<std::uint64_t>(data[1].permitted) << 32;
}

void Confine(std::vector<sock_filter> filter) {
  Check(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), "PR_SET_NO_NEW_PRIVS");
  const sock_fprog program{static_cast<unsigned short>(filter.size()), filter.data()};
  Check(syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program), "seccomp");
}

}  // namespace

int main(int count, char** arguments) {
  if (count < 6) {
    std::fputs("usage: enter ROOT FILTER UID CAPABILITIES PROGRAM [ARGUMENT]...\n", stderr);
    return 125;
  }
  umask(0);
  const std::string root = arguments[1], program = arguments[5];
  const auto filter = ReadFilter(arguments[2]);
  const auto uid = static_cast<unsigned>(std::stoul(arguments[3]));
  const auto capabilities = std::stoull(arguments[4], nullptr, 16) & HeldCapabilities();
  int signal = 0;  // that a parent's end is to send; a change of ids clears it
  Check(prctl(PR_GET_PDEATHSIG, &signal, 0, 0, 0), "PR_GET_PDEATHSIG");

  const auto slash = program.rfind('/');
  EnterRoot(root, program.substr(0, slash));
  BecomeUser(uid, capabilities);
  Check(prctl(PR_SET_PDEATHSIG, signal, 0, 0, 0), "PR_SET_PDEATHSIG");
  Check(unsetenv("HOME"), "unsetenv");
  umask(022);
  Confine(filter);
  const std::string inside = "/usr/local/bin" + program.substr(slash);
  execv(inside.c_str(), arguments + 5);
  Fail(inside);
}
