#include "provider/keeper/confinement.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <future>
#include <thread>

namespace detach {
namespace {

// Confined runs `act` in a child that allows itself only to serve, and that ends with code 7 if
// it comes so far.
template <typename Act>
void Confined(Act act) {
  if (!AllowOnlyServing(Pkcs11Use::kNone).ok()) ::_exit(1);
  act();
  ::_exit(7);
}

bool IsKilled(int status) { return WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS; }
bool Survives(int status) { return WIFEXITED(status) && WEXITSTATUS(status) == 7; }

TEST(ConfinementTest, KillsWhoeverOpensAFileOrAConnection) {
  EXPECT_EXIT(Confined([] { ::open("/dev/null", O_RDONLY); }), IsKilled, "");
  EXPECT_EXIT(Confined([] { ::socket(AF_INET, SOCK_STREAM, 0); }), IsKilled, "");
  EXPECT_EXIT(Confined([] { ::socket(AF_UNIX, SOCK_STREAM, 0); }), IsKilled, "");
  EXPECT_EXIT(Confined([] { ::unlink("/nowhere"); }), IsKilled, "");
}

TEST(ConfinementTest, KillsWhoeverStartsAProgramOrTouchesAnother) {
  EXPECT_EXIT(Confined([] { ::fork(); }), IsKilled, "");
  EXPECT_EXIT(Confined([] { ::execl("/bin/true", "true", nullptr); }), IsKilled, "");
  EXPECT_EXIT(Confined([] { ::kill(::getpid(), 0); }), IsKilled, "");
}

TEST(ConfinementTest, KillsWhoeverMakesMemoryIntoCode) {
  EXPECT_EXIT(Confined([] {
                (void)::mmap(nullptr, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1,
                             0);
              }),
              IsKilled, "");
  EXPECT_EXIT(Confined([] {
                void* page = ::mmap(nullptr, 4096, PROT_READ | PROT_WRITE,
                                    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
                ::mprotect(page, 4096, PROT_READ | PROT_EXEC);
              }),
              IsKilled, "");
}

// WithTokens ends with code 7 where `act`, done by who reads tokens so, returns true.
template <typename Act>
void WithTokens(Pkcs11Use use, Act act) {
  const bool ok = LetNothingBeWritten().ok() && AllowOnlyServing(use).ok() && act();
  ::_exit(ok ? 7 : 1);
}

bool IsRefused(int result) { return result == -1 && errno == ENOSYS; }

TEST(ConfinementTest, LetsWhoReadsTokensReadFilesAndWriteNone) {
  for (const Pkcs11Use use : {Pkcs11Use::kDatabases, Pkcs11Use::kModules}) {
    EXPECT_EXIT(WithTokens(use, [] { return ::open("/dev/null", O_RDONLY) >= 0; }), Survives, "");
    EXPECT_EXIT(WithTokens(use, [] { return IsRefused(::open("/dev/null", O_RDWR)); }), Survives,
                "");
    EXPECT_EXIT(WithTokens(use, [] { return IsRefused(::unlink("/nowhere")); }), Survives, "");
  }
}

TEST(ConfinementTest, LetsWhoReadsTokensStartNoProgramAndMakeNoCode) {
  for (const Pkcs11Use use : {Pkcs11Use::kDatabases, Pkcs11Use::kModules}) {
    EXPECT_EXIT(WithTokens(use, [] { return IsRefused(::fork()); }), Survives, "");
    EXPECT_EXIT(WithTokens(use, [] { return IsRefused(::execl("/bin/true", "true", nullptr)); }),
                Survives, "");
    EXPECT_EXIT(WithTokens(use,
                           [] {
                             return ::mmap(nullptr, 4096, PROT_READ | PROT_EXEC,
                                           MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED;
                           }),
                Survives, "");
  }
}

// EINTR: the kernel has been asked, and there is no wait to go on with.
TEST(ConfinementTest, LetsAWaitForATokenGoOnAfterTheProcessWasStopped) {
  for (const Pkcs11Use use : {Pkcs11Use::kDatabases, Pkcs11Use::kModules}) {
    EXPECT_EXIT(
        WithTokens(use, [] { return ::syscall(SYS_restart_syscall) == -1 && errno == EINTR; }),
        Survives, "");
  }
}

TEST(ConfinementTest, LetsModulesReachProcessesOfThisMachineOnly) {
  EXPECT_EXIT(WithTokens(Pkcs11Use::kDatabases,
                         [] { return IsRefused(::socket(AF_UNIX, SOCK_STREAM, 0)); }),
              Survives, "");
  EXPECT_EXIT(
      WithTokens(Pkcs11Use::kModules, [] { return ::socket(AF_UNIX, SOCK_STREAM, 0) >= 0; }),
      Survives, "");
  EXPECT_EXIT(
      WithTokens(Pkcs11Use::kModules, [] { return IsRefused(::socket(AF_INET, SOCK_STREAM, 0)); }),
      Survives, "");
}

// A thread that waits, and opens a file when it is told to.
void ConfineWhileAThreadRuns() {
  std::promise<void> confined;
  std::thread thread([&] {
    confined.get_future().wait();
    ::open("/dev/null", O_RDONLY);
  });
  Confined([&] {
    confined.set_value();
    thread.join();
  });
}

TEST(ConfinementTest, HoldsForTheThreadsThatRunAlready) {
  EXPECT_EXIT(ConfineWhileAThreadRuns(), IsKilled, "");
}

TEST(ConfinementTest, LeavesMemoryAndTheEnd) {
  EXPECT_EXIT(Confined([] {
                for (std::size_t size = 16; size < (std::size_t{64} << 20); size *= 4) {
                  ::free(::malloc(size));
                }
              }),
              Survives, "");
}

void ProtectAndLook() {
  const bool ok = ProtectMemory().ok();
  rlimit core = {1, 1};
  ::getrlimit(RLIMIT_CORE, &core);
  const bool hidden = ::prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) == 0 && core.rlim_max == 0;
  ::_exit(ok && hidden ? 7 : 1);
}

TEST(ConfinementTest, ProtectedMemoryIsInNoCoreFileAndNotToBeTraced) {
  EXPECT_EXIT(ProtectAndLook(), Survives, "");
}

}  // namespace
}  // namespace detach
