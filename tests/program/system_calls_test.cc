#include "program/system_calls.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <thread>
#include <vector>

#include "tests/support/in_child.h"

namespace detach {
namespace {

constexpr std::uint32_t kNoSuchCall = SCMP_ACT_ERRNO(ENOSYS);

// Everything but getppid, and dup of standard input alone.
std::vector<SystemCall> MostCalls() {
  std::vector<SystemCall> calls;
  for (int number = 0; number < 600; ++number) {
    if (number != SYS_getppid && number != SYS_dup) calls.push_back({number});
  }
  calls.push_back({SYS_dup, SCMP_A0_64(SCMP_CMP_EQ, STDIN_FILENO)});
  return calls;
}

int Parent() { return ErrorOf(::syscall(SYS_getppid)); }

TEST(SystemCallsTest, WhatIsNotAllowedFailsAsTheRefusalSays) {
  EXPECT_EQ(InChild([] { return AllowOnly(MostCalls(), kNoSuchCall).ok() ? Parent() : 1; }),
            ENOSYS);
  EXPECT_EQ(
      InChild([] { return AllowOnly(MostCalls(), SCMP_ACT_KILL_PROCESS).ok() ? Parent() : 1; }),
      -SIGSYS);
}

TEST(SystemCallsTest, AnArgumentMayDecide) {
  const auto dup = [](int fd) {
    return InChild(
        [fd] { return AllowOnly(MostCalls(), kNoSuchCall).ok() ? ErrorOf(::dup(fd)) : 1; });
  };
  EXPECT_EQ(dup(STDIN_FILENO), 0);
  EXPECT_EQ(dup(STDERR_FILENO), ENOSYS);
}

TEST(SystemCallsTest, ThreadsThatRunAlreadyAreConcernedToo) {
  EXPECT_EQ(InChild([] {
              std::atomic<bool> begun = false;
              std::atomic<bool> refused = false;
              int error = 0;
              std::thread early([&] {
                begun = true;
                refused.wait(false);
                error = Parent();
              });
              while (!begun) std::this_thread::yield();
              const bool holds = AllowOnly(MostCalls(), kNoSuchCall).ok();
              refused = true;
              refused.notify_all();
              early.join();
              return holds ? error : 1;
            }),
            ENOSYS);
}

TEST(SystemCallsTest, NoNewPrivilegesAreGainedAfterIt) {
  EXPECT_EQ(InChild([] {
              return AllowOnly(MostCalls(), kNoSuchCall).ok()
                         ? ::prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0)
                         : 2;
            }),
            1);
}

#ifdef __x86_64__
TEST(SystemCallsTest, ACallByANumberOfAnotherArchitectureKills) {
  EXPECT_EQ(InChild([] {
              if (!AllowOnly(MostCalls(), kNoSuchCall).ok()) return 1;
              long result = 20;  // getpid of the i386
              asm volatile("int $0x80" : "+a"(result) : : "memory");
              return 0;
            }),
            -SIGSYS);
}
#endif

}  // namespace
}  // namespace detach
