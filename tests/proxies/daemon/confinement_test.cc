#include "proxies/daemon/confinement.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sched.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <sys/uio.h>
#include <unistd.h>

#include <filesystem>
#include <functional>
#include <thread>

#include "bio/socket/unique_fd.h"
#include "program/trusted_file.h"
#include "proxies/daemon/leak_check.h"
#include "tests/support/in_child.h"
#include "tests/support/temporary_directory.h"

namespace detach {
namespace {

constexpr int kNotConfined = 200;  // no errno

// What is tried, and what it ends with: an error, or 0.
struct Attempt {
  const char* what;
  int expected;
  std::function<int()> run;
  bool leak_check_may = false;  // then not tried in a build that looks for leaks
};

class ConfinementTest : public ::testing::Test {
 protected:
  int Confined(const std::function<int()>& body) const {
    return InChild(
        [&] { return Confine({configuration_}, pid_file_).ok() ? body() : kNotConfined; });
  }

  void Try(const std::vector<Attempt>& attempts) const {
    for (const Attempt& attempt : attempts) {
      if (attempt.leak_check_may && kLeakCheck) continue;
      EXPECT_EQ(Confined(attempt.run), attempt.expected) << attempt.what;
    }
  }

  TemporaryDirectory folder_;
  TemporaryDirectory run_;
  TemporaryDirectory outside_;
  const std::string configuration_ = folder_.Write("reverse-proxy.toml", "x");
  const std::string pid_file_ = run_.Write("reverse-proxy.pid", "1");
  const std::string stranger_ = outside_.Write("stranger", "x");
};

int Call(long number, long a = 0, long b = 0, long c = 0, long d = 0, long e = 0) {
  return ErrorOf(::syscall(number, a, b, c, d, e));
}

int Execute(const char* path) {
  char* const nothing[] = {nullptr};
  return ErrorOf(::execve(path, nothing, nothing));
}

int Fork() {
  const pid_t child = ::fork();
  if (child == 0) ::_exit(0);
  return ErrorOf(child);
}

TEST_F(ConfinementTest, NothingIsStarted) {
  Try({{"execve", ENOSYS, [] { return Execute("/bin/true"); }},
       {"execve of a file inside", ENOSYS, [this] { return Execute(configuration_.c_str()); }},
       {"execveat", ENOSYS,
        [] { return Call(SYS_execveat, STDIN_FILENO, 0, 0, 0, AT_EMPTY_PATH); }},
       {"fork", ENOSYS, Fork},
       {"clone3", ENOSYS, [] { return Call(SYS_clone3); }},
       {"clone with namespaces", ENOSYS,
        [] { return Call(SYS_clone, CLONE_THREAD | CLONE_SIGHAND | CLONE_VM | CLONE_NEWNET); }},
       {"unshare", ENOSYS, [] { return ErrorOf(::unshare(CLONE_NEWUSER)); }},
       {"setns", ENOSYS, [] { return ErrorOf(::setns(STDIN_FILENO, 0)); }}});
}

TEST_F(ConfinementTest, NoOtherProcessIsTouched) {
  Try({{"ptrace", ENOSYS, [] { return ErrorOf(::ptrace(PTRACE_SEIZE, ::getppid(), 0, 0)); }, true},
       {"process_vm_readv", ENOSYS,
        [] { return ErrorOf(::process_vm_readv(::getppid(), nullptr, 0, nullptr, 0, 0)); }},
       {"kill", ENOSYS, [] { return ErrorOf(::kill(::getppid(), 0)); }},
       {"tgkill", ENOSYS, [] { return Call(SYS_tgkill, ::getppid(), ::getppid(), 0); }},
       {"pidfd_open", ENOSYS, [] { return Call(SYS_pidfd_open, ::getppid()); }},
       {"prlimit64", ENOSYS,
        [] {
          const rlimit limit = {.rlim_cur = 0, .rlim_max = 0};
          return ErrorOf(::prlimit(::getppid(), RLIMIT_CORE, &limit, nullptr));
        }},
       {"typing into the terminal", ENOSYS, [] { return ErrorOf(::ioctl(0, TIOCSTI, "x")); }}});
}

int Pair(int family) {
  int ends[2];
  return ErrorOf(::socketpair(family, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends));
}

TEST_F(ConfinementTest, NoPrivilegeIsGainedOrUsed) {
  Try({{"setuid", ENOSYS, [] { return Call(SYS_setuid, 0); }},
       {"setresgid", ENOSYS, [] { return Call(SYS_setresgid, 0, 0, 0); }},
       {"capset", ENOSYS, [] { return Call(SYS_capset); }},
       {"mount", ENOSYS, [] { return ErrorOf(::mount("none", "/tmp", "tmpfs", 0, nullptr)); }},
       {"move_mount", ENOSYS, [] { return Call(SYS_move_mount); }},
       {"pivot_root", ENOSYS, [] { return Call(SYS_pivot_root); }},
       {"chroot", ENOSYS, [] { return ErrorOf(::chroot("/")); }},
       {"init_module", ENOSYS, [] { return Call(SYS_init_module); }},
       {"kexec_load", ENOSYS, [] { return Call(SYS_kexec_load); }},
       {"bpf", ENOSYS, [] { return Call(SYS_bpf); }},
       {"keyctl", ENOSYS, [] { return Call(SYS_keyctl); }},
       {"perf_event_open", ENOSYS, [] { return Call(SYS_perf_event_open); }},
       {"userfaultfd", ENOSYS, [] { return Call(SYS_userfaultfd); }},
       {"io_uring_setup", ENOSYS, [] { return Call(SYS_io_uring_setup, 1); }},
       {"memfd_create", ENOSYS, [] { return ErrorOf(::memfd_create("x", 0)); }},
       {"a packet socket", ENOSYS, [] { return ErrorOf(::socket(AF_PACKET, SOCK_RAW, 0)); }},
       {"a vsock", ENOSYS, [] { return ErrorOf(::socket(AF_VSOCK, SOCK_STREAM, 0)); }},
       {"the kernel's ciphers", ENOSYS,
        [] { return ErrorOf(::socket(AF_ALG, SOCK_SEQPACKET, 0)); }},
       {"a pair of sockets of another kind", ENOSYS, [] { return Pair(AF_TIPC); }}});
}

TEST_F(ConfinementTest, NothingIsWrittenWithOrWithoutLandlock) {
  const auto open = [](const std::string& path, int flags) {
    return [path, flags] { return ErrorOf(::open(path.c_str(), flags | O_CLOEXEC, 0600)); };
  };
  Try({{"writing", ENOSYS, open(configuration_, O_WRONLY)},
       {"reading and writing", ENOSYS, open(configuration_, O_RDWR)},
       {"emptying", ENOSYS, open(configuration_, O_RDONLY | O_TRUNC)},
       {"making", ENOSYS, open(folder_.path() / "new", O_RDONLY | O_CREAT)},
       {"a file without a name", ENOSYS, open(folder_.path(), O_TMPFILE | O_WRONLY)},
       {"openat2", ENOSYS, [] { return Call(SYS_openat2); }},
       {"renaming", ENOSYS,
        [this] { return ErrorOf(::rename(pid_file_.c_str(), configuration_.c_str())); }},
       {"changing who may read", ENOSYS,
        [this] { return ErrorOf(::chmod(configuration_.c_str(), 0666)); }}});
}

TEST_F(ConfinementTest, OtherFoldersAreClosed) {
  if (Call(SYS_landlock_create_ruleset, 0, 0, 1) == ENOSYS) GTEST_SKIP() << "no Landlock here";
  const auto open = [](const std::string& path) {
    return [path] { return ErrorOf(::open(path.c_str(), O_RDONLY | O_CLOEXEC)); };
  };
  Try({{"another folder", EACCES, open(stranger_)},
       {"another folder, by dots", EACCES,
        open(folder_.path() / ".." / outside_.path().filename() / "stranger")},
       {"another process", EACCES, open("/proc/self/mem"), true},
       {"a device", EACCES, open("/dev/zero")},
       {"deleting in another folder", EACCES,
        [this] { return ErrorOf(::unlink(stranger_.c_str())); }},
       {"deleting the configuration", EACCES,
        [this] { return ErrorOf(::unlink(configuration_.c_str())); }}});
}

int Connect(int family) {
  const UniqueFd fd(::socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  const sockaddr_in nobody = {.sin_family = AF_INET, .sin_port = htons(1)};
  if (!fd.valid()) return errno;
  const int result = ::connect(fd.get(), reinterpret_cast<const sockaddr*>(&nobody), sizeof nobody);
  return result == 0 || errno != ENOSYS ? 0 : errno;
}

int LookUp() {
  addrinfo* found = nullptr;
  if (::getaddrinfo("localhost", "443", nullptr, &found) != 0) return 1;
  ::freeaddrinfo(found);
  return 0;
}

int InAThread(const std::function<int()>& body) {
  int error = 0;
  std::thread([&] { error = body(); }).join();
  return error;
}

int SpliceIntoAPipe() {
  int pipe[2];
  if (::pipe2(pipe, O_CLOEXEC) != 0) return errno;
  return ErrorOf(::splice(STDIN_FILENO, nullptr, pipe[1], nullptr, 0, SPLICE_F_NONBLOCK));
}

TEST_F(ConfinementTest, WhatAProxyDoesGoesOn) {
  Try({{"reading the configuration", 0,
        [this] { return ReadTrustedFile(configuration_).ok() ? 0 : 1; }},
       {"reading a file that is put beside it", 0,
        [this] {
          return ErrorOf(::open((folder_.path() / "x").c_str(), O_RDONLY)) == ENOENT ? 0 : 1;
        }},
       {"random numbers", 0, [] { return ErrorOf(::open("/dev/urandom", O_RDONLY)); }},
       {"removing the pid file", 0, [this] { return ErrorOf(::unlink(pid_file_.c_str())); }},
       {"a connection", 0, [] { return Connect(AF_INET); }},
       {"a connection for a keeper", 0, [] { return Pair(AF_UNIX); }},
       {"a name", 0, LookUp},
       {"a thread", 0, [] { return InAThread([] { return 0; }); }},
       {"a name in a thread", 0, [] { return InAThread(LookUp); }},
       {"splicing", 0, SpliceIntoAPipe},
       {"epoll", 0, [] { return ErrorOf(::epoll_create1(EPOLL_CLOEXEC)); }},
       {"a timer", 0, [] { return ErrorOf(::timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC)); }},
       {"dying of a failed assertion", -SIGABRT, []() -> int { ::abort(); }}});
}

TEST_F(ConfinementTest, IsRefusedWhereAThreadRunsAlready) {
  EXPECT_EQ(InChild([this] {
              std::thread([] { ::pause(); }).detach();
              return Confine({configuration_}, pid_file_).fault() == Fault::kInternal ? 0 : 1;
            }),
            0);
}

}  // namespace
}  // namespace detach
