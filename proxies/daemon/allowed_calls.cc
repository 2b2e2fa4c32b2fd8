#include "proxies/daemon/allowed_calls.h"

#include <fcntl.h>
#include <net/if.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdint>
#include <initializer_list>

#include "proxies/daemon/leak_check.h"

namespace detach {
namespace {

// What a server with threads does, and what getaddrinfo does in the modules that nsswitch.conf
// names.
// clang-format off
constexpr int kCalls[] = {
    // Memory.
    SCMP_SYS(brk), SCMP_SYS(madvise), SCMP_SYS(mmap), SCMP_SYS(mprotect), SCMP_SYS(mremap),
    SCMP_SYS(munmap),
    // Threads, signals.
    SCMP_SYS(exit), SCMP_SYS(exit_group), SCMP_SYS(futex), SCMP_SYS(get_robust_list),
    SCMP_SYS(getpid), SCMP_SYS(gettid), SCMP_SYS(membarrier), SCMP_SYS(restart_syscall),
    SCMP_SYS(rseq), SCMP_SYS(rt_sigaction), SCMP_SYS(rt_sigprocmask), SCMP_SYS(rt_sigreturn),
    SCMP_SYS(sched_getaffinity), SCMP_SYS(sched_yield), SCMP_SYS(set_robust_list),
    SCMP_SYS(sigaltstack),
    // Time, waiting.
    SCMP_SYS(clock_getres), SCMP_SYS(clock_gettime), SCMP_SYS(clock_nanosleep),
    SCMP_SYS(epoll_create1), SCMP_SYS(epoll_ctl), SCMP_SYS(epoll_pwait), SCMP_SYS(epoll_wait),
    SCMP_SYS(eventfd2), SCMP_SYS(gettimeofday), SCMP_SYS(nanosleep), SCMP_SYS(poll),
    SCMP_SYS(ppoll), SCMP_SYS(pselect6), SCMP_SYS(select), SCMP_SYS(time),
    SCMP_SYS(timerfd_create), SCMP_SYS(timerfd_settime),
    // Descriptors.
    SCMP_SYS(close), SCMP_SYS(dup), SCMP_SYS(dup3), SCMP_SYS(fcntl), SCMP_SYS(lseek),
    SCMP_SYS(pipe2), SCMP_SYS(pread64), SCMP_SYS(read), SCMP_SYS(readv), SCMP_SYS(splice),
    SCMP_SYS(write), SCMP_SYS(writev),
    // Sockets.
    SCMP_SYS(accept), SCMP_SYS(accept4), SCMP_SYS(bind), SCMP_SYS(connect),
    SCMP_SYS(getpeername), SCMP_SYS(getsockname), SCMP_SYS(getsockopt), SCMP_SYS(listen),
    SCMP_SYS(recvfrom), SCMP_SYS(recvmmsg), SCMP_SYS(recvmsg), SCMP_SYS(sendmmsg),
    SCMP_SYS(sendmsg), SCMP_SYS(sendto), SCMP_SYS(setsockopt), SCMP_SYS(shutdown),
    // Files, which Landlock limits.
    SCMP_SYS(access), SCMP_SYS(faccessat), SCMP_SYS(faccessat2), SCMP_SYS(fstat),
    SCMP_SYS(fstatfs), SCMP_SYS(getcwd), SCMP_SYS(getdents64), SCMP_SYS(lstat),
    SCMP_SYS(newfstatat), SCMP_SYS(readlink), SCMP_SYS(readlinkat), SCMP_SYS(stat),
    SCMP_SYS(statfs), SCMP_SYS(statx), SCMP_SYS(unlink), SCMP_SYS(unlinkat),
    // Who and where we are.
    SCMP_SYS(getegid), SCMP_SYS(geteuid), SCMP_SYS(getgid), SCMP_SYS(getrandom),
    SCMP_SYS(getrusage), SCMP_SYS(getuid), SCMP_SYS(sysinfo), SCMP_SYS(uname),
};
// clang-format on

// A thread, and none with namespaces of its own. clone3 hides its flags behind a pointer; glibc
// takes clone where clone3 is not there.
constexpr std::uint64_t kCloneFlags = CLONE_THREAD | CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS |
                                      CLONE_NEWIPC | CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET;

// Nothing is opened for writing: not even where no Landlock says so.
constexpr std::uint64_t kWriting = O_ACCMODE | O_CREAT | O_TRUNC;

// No part of what is released.
void AddCallsOfTheLeakCheck(std::vector<SystemCall>& calls) {
  constexpr std::uint64_t kTracer = CLONE_VM | CLONE_UNTRACED;
  calls.push_back(
      {SCMP_SYS(clone), SCMP_A0_64(SCMP_CMP_MASKED_EQ, kTracer | kCloneFlags, kTracer)});
  for (const int number : {SCMP_SYS(getdents), SCMP_SYS(getppid), SCMP_SYS(prctl), SCMP_SYS(ptrace),
                           SCMP_SYS(wait4)}) {
    calls.push_back({number});
  }
}

}  // namespace

std::vector<SystemCall> AllowedCalls() {
  std::vector<SystemCall> calls;
  for (const int number : kCalls) calls.push_back({number});
  calls.push_back({SCMP_SYS(clone), SCMP_A0_64(SCMP_CMP_MASKED_EQ, kCloneFlags, CLONE_THREAD)});
  calls.push_back({SCMP_SYS(open), SCMP_A1_64(SCMP_CMP_MASKED_EQ, kWriting, O_RDONLY)});
  calls.push_back({SCMP_SYS(openat), SCMP_A2_64(SCMP_CMP_MASKED_EQ, kWriting, O_RDONLY)});
  // abort() and raise(); no other process.
  const auto self = static_cast<scmp_datum_t>(::getpid());
  calls.push_back({SCMP_SYS(tgkill), SCMP_A0_64(SCMP_CMP_EQ, self)});
  // Reading a limit, not setting it.
  calls.push_back({SCMP_SYS(prlimit64), SCMP_A2_64(SCMP_CMP_EQ, 0)});
  // AF_NETLINK: getaddrinfo asks which families this machine has addresses of.
  for (const int family : {AF_UNIX, AF_INET, AF_INET6, AF_NETLINK}) {
    calls.push_back({SCMP_SYS(socket), SCMP_A0_64(SCMP_CMP_EQ, static_cast<scmp_datum_t>(family))});
  }
  // What a keeper is sent through its channel.
  calls.push_back({SCMP_SYS(socketpair), SCMP_A0_64(SCMP_CMP_EQ, AF_UNIX)});
  for (const unsigned long request : {FIONBIO, FIONREAD, TCGETS, SIOCGIFINDEX, SIOCGIFNAME}) {
    calls.push_back({SCMP_SYS(ioctl), SCMP_A1_64(SCMP_CMP_EQ, request)});
  }
  if (kLeakCheck) AddCallsOfTheLeakCheck(calls);
  return calls;
}

}  // namespace detach
