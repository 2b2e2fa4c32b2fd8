#include "provider/keeper/confinement.h"

#include <openssl/crypto.h>
#include <seccomp.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#include <cerrno>
#include <cstring>
#include <memory>
#include <string>

namespace detach {
namespace {

struct FilterRelease {
  void operator()(void* filter) const noexcept { ::seccomp_release(filter); }
};

// clang-format off
constexpr int kAllowed[] = {
    // Serving.
    SCMP_SYS(poll), SCMP_SYS(ppoll), SCMP_SYS(accept4), SCMP_SYS(getsockopt), SCMP_SYS(recvfrom),
    SCMP_SYS(sendto), SCMP_SYS(read), SCMP_SYS(write), SCMP_SYS(close),
    // Memory, and libcrypto's random numbers.
    SCMP_SYS(brk), SCMP_SYS(munmap), SCMP_SYS(mremap), SCMP_SYS(madvise), SCMP_SYS(futex),
    SCMP_SYS(getrandom), SCMP_SYS(clock_gettime), SCMP_SYS(getpid), SCMP_SYS(gettid),
    // The end.
    SCMP_SYS(exit_group), SCMP_SYS(rt_sigreturn), SCMP_SYS(rt_sigprocmask), SCMP_SYS(tgkill),
};
// Only memory that is no code.
constexpr int kAllowedWithoutCode[] = {SCMP_SYS(mmap), SCMP_SYS(mprotect)};
// clang-format on

Status Failed(const char* what, int error) {
  return Internal(std::string(what) + ": " + std::strerror(error));
}

std::string_view LockMemory() {
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

Status AllowOnlyServing() {
  const std::unique_ptr<void, FilterRelease> filter(::seccomp_init(SCMP_ACT_KILL_PROCESS));
  if (!filter) return Failed("seccomp_init", ENOMEM);
  for (const int call : kAllowed) {
    const int error = ::seccomp_rule_add(filter.get(), SCMP_ACT_ALLOW, call, 0);
    if (error != 0) return Failed("seccomp_rule_add", -error);
  }
  for (const int call : kAllowedWithoutCode) {
    const int error = ::seccomp_rule_add(filter.get(), SCMP_ACT_ALLOW, call, 1,
                                         SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));
    if (error != 0) return Failed("seccomp_rule_add", -error);
  }
  const int error = ::seccomp_load(filter.get());
  if (error != 0) return Failed("seccomp_load", -error);
  return {};
}

}  // namespace detach
