#include "provider/keeper/confinement.h"

#include <fcntl.h>
#include <malloc.h>
#include <openssl/crypto.h>
#include <pthread.h>
#include <seccomp.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstdint>
#include <cstring>
#include <iterator>
#include <string>
#include <vector>

#include "program/file_access.h"
#include "program/system_calls.h"

namespace detach {
namespace {

// clang-format off
const SystemCall kAllowed[] = {
    // Serving.
    {SCMP_SYS(epoll_wait)}, {SCMP_SYS(epoll_pwait)}, {SCMP_SYS(epoll_ctl)}, {SCMP_SYS(accept4)},
    {SCMP_SYS(getsockopt)}, {SCMP_SYS(recvfrom)}, {SCMP_SYS(recvmsg)}, {SCMP_SYS(sendto)},
    {SCMP_SYS(read)}, {SCMP_SYS(write)}, {SCMP_SYS(close)},
    // The file of spent tokens, which is open.
    {SCMP_SYS(flock)}, {SCMP_SYS(lseek)}, {SCMP_SYS(pread64)}, {SCMP_SYS(fdatasync)},
    {SCMP_SYS(ftruncate)},
    // Memory, and libcrypto's random numbers.
    {SCMP_SYS(brk)}, {SCMP_SYS(munmap)}, {SCMP_SYS(mremap)}, {SCMP_SYS(madvise)},
    {SCMP_SYS(futex)}, {SCMP_SYS(getrandom)}, {SCMP_SYS(clock_gettime)}, {SCMP_SYS(getpid)},
    {SCMP_SYS(gettid)},
    // Signals to itself that end waiting (brief_closing.h).
    {SCMP_SYS(timer_create)}, {SCMP_SYS(timer_settime)}, {SCMP_SYS(timer_delete)},
    // The end.
    {SCMP_SYS(exit)}, {SCMP_SYS(exit_group)}, {SCMP_SYS(rt_sigreturn)}, {SCMP_SYS(rt_sigprocmask)},
    {SCMP_SYS(tgkill)},
    // Memory that is no code.
    {SCMP_SYS(mmap), SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0)},
    {SCMP_SYS(mprotect), SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0)},
};
// clang-format on

// What reading tokens takes beside that, as NSS's and SoftHSM's modules do it. Nothing is opened
// for writing.
constexpr std::uint64_t kWriting = O_ACCMODE | O_CREAT | O_TRUNC;
// clang-format off
const SystemCall kForTokens[] = {
    {SCMP_SYS(open), SCMP_A1_64(SCMP_CMP_MASKED_EQ, kWriting, O_RDONLY)},
    {SCMP_SYS(openat), SCMP_A2_64(SCMP_CMP_MASKED_EQ, kWriting, O_RDONLY)},
    {SCMP_SYS(access)}, {SCMP_SYS(faccessat)}, {SCMP_SYS(faccessat2)}, {SCMP_SYS(fcntl)},
    {SCMP_SYS(fstat)}, {SCMP_SYS(fstatfs)}, {SCMP_SYS(getcwd)}, {SCMP_SYS(getdents64)},
    {SCMP_SYS(lstat)}, {SCMP_SYS(newfstatat)}, {SCMP_SYS(readlink)}, {SCMP_SYS(readlinkat)},
    {SCMP_SYS(readv)}, {SCMP_SYS(stat)}, {SCMP_SYS(statfs)}, {SCMP_SYS(statx)},
    {SCMP_SYS(geteuid)}, {SCMP_SYS(getuid)}, {SCMP_SYS(getegid)}, {SCMP_SYS(getgid)},
    {SCMP_SYS(uname)}, {SCMP_SYS(sched_yield)}, {SCMP_SYS(clock_nanosleep)},
    {SCMP_SYS(nanosleep)}, {SCMP_SYS(gettimeofday)}, {SCMP_SYS(rt_sigaction)},
    // By it the kernel goes on with a wait that has a limit, after the process was stopped or the
    // machine asleep. glibc aborts where that fails.
    {SCMP_SYS(restart_syscall)},
};
// A smart card is reached through pcscd, p11-kit's remote modules through its server.
const SystemCall kForModules[] = {
    {SCMP_SYS(socket), SCMP_A0_64(SCMP_CMP_EQ, AF_UNIX)},
    {SCMP_SYS(connect)}, {SCMP_SYS(poll)}, {SCMP_SYS(ppoll)}, {SCMP_SYS(select)},
    {SCMP_SYS(pselect6)}, {SCMP_SYS(sendmsg)}, {SCMP_SYS(setsockopt)}, {SCMP_SYS(shutdown)},
    {SCMP_SYS(writev)},
};
// clang-format on

Status Failed(const char* what, int error) {
  return Internal(std::string(what) + ": " + std::strerror(error));
}

// What is locked takes room, used or not: one heap for all threads, and stacks of a size that
// signing needs.
void KeepMemorySmall() {
  constexpr std::size_t kStack = 1 << 20;
  ::mallopt(M_ARENA_MAX, 1);
  pthread_attr_t attributes;
  if (::pthread_attr_init(&attributes) != 0) return;
  ::pthread_attr_setstacksize(&attributes, kStack);
  ::pthread_setattr_default_np(&attributes);
  ::pthread_attr_destroy(&attributes);
}

std::string_view LockMemory() {
  KeepMemorySmall();
  if (::mlockall(MCL_CURRENT | MCL_FUTURE) == 0) return "all";
  constexpr std::size_t kSecureHeap = 256 << 10;
  constexpr std::size_t kSmallest = 32;
  return CRYPTO_secure_malloc_init(kSecureHeap, kSmallest) == 1 ? "private_keys" : "nothing";
}

}  // namespace

Result<std::string_view> ProtectMemory() {
  const rlimit none = {0, 0};
  if (::setrlimit(RLIMIT_CORE, &none) != 0) return Failed("RLIMIT_CORE", errno);
  if (::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0) return Failed("PR_SET_DUMPABLE", errno);
  return LockMemory();
}

Status LetNothingBeWritten() { return LimitFileAccess({.read = {"/"}}).status(); }

Status AllowOnlyServing(Pkcs11Use use) {
  if (use == Pkcs11Use::kNone) return AllowOnly(kAllowed, SCMP_ACT_KILL_PROCESS);
  std::vector<SystemCall> calls(std::begin(kAllowed), std::end(kAllowed));
  calls.insert(calls.end(), std::begin(kForTokens), std::end(kForTokens));
  if (use == Pkcs11Use::kModules) {
    calls.insert(calls.end(), std::begin(kForModules), std::end(kForModules));
  }
  return AllowOnly(calls, SCMP_ACT_ERRNO(ENOSYS));
}

}  // namespace detach
