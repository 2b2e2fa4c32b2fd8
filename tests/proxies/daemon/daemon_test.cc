#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "proxies/daemon/descriptor_limit.h"
#include "proxies/daemon/pid_file.h"
#include "proxies/daemon/signals.h"
#include "tests/support/temporary_directory.h"

namespace detach {
namespace {

std::string Contents(const std::string& path) {
  std::ifstream in(path);
  return {std::istreambuf_iterator<char>(in), {}};
}

class PidFileTest : public ::testing::Test {
 protected:
  TemporaryDirectory directory_;
  const std::string path_ = (directory_.path() / "proxy.pid").string();
};

TEST_F(PidFileTest, HoldsThisProcessAndGoesWithIt) {
  {
    const Result<PidFile> file = PidFile::Create(path_);
    ASSERT_TRUE(file.ok()) << file.status().message();
    EXPECT_EQ(Contents(path_), std::to_string(::getpid()) + "\n");
  }
  EXPECT_TRUE(std::filesystem::is_empty(directory_.path()));
}

TEST_F(PidFileTest, ASecondProcessIsToldWhichOneRuns) {
  const Result<PidFile> first = PidFile::Create(path_);
  ASSERT_TRUE(first.ok());
  const Result<PidFile> second = PidFile::Create(path_);
  ASSERT_FALSE(second.ok());
  EXPECT_EQ(second.status().message(),
            path_ + ": process " + std::to_string(::getpid()) + " runs already; stop it first");
  EXPECT_EQ(Contents(path_), std::to_string(::getpid()) + "\n");
}

TEST_F(PidFileTest, AFileLeftBehindByAKilledProcessIsReplaced) {
  const pid_t child = ::fork();
  if (child == 0) {
    const Result<PidFile> file = PidFile::Create(path_);
    ::kill(::getpid(), SIGKILL);
  }
  ::waitpid(child, nullptr, 0);
  EXPECT_EQ(Contents(path_), std::to_string(child) + "\n");
  const Result<PidFile> file = PidFile::Create(path_);
  ASSERT_TRUE(file.ok()) << file.status().message();
  EXPECT_EQ(Contents(path_), std::to_string(::getpid()) + "\n");
}

TEST_F(PidFileTest, SaysWhyItCannotBeWritten) {
  const std::string path = (directory_.path() / "none" / "proxy.pid").string();
  const Result<PidFile> file = PidFile::Create(path);
  ASSERT_FALSE(file.ok());
  EXPECT_NE(file.status().message().find("No such file or directory"), std::string::npos);
}

TEST(SignalQueueTest, TerminateAndReloadAreReadInsteadOfInterrupting) {
  const Result<SignalQueue> signals = SignalQueue::Open();
  ASSERT_TRUE(signals.ok()) << signals.status().message();
  EXPECT_EQ(signals->Wait(std::chrono::milliseconds(0)), std::nullopt);
  ::kill(::getpid(), SIGHUP);
  EXPECT_EQ(signals->Wait(), ProcessSignal::kReload);
  ::kill(::getpid(), SIGTERM);
  EXPECT_EQ(signals->Wait(), ProcessSignal::kTerminate);
  ::kill(::getpid(), SIGINT);
  EXPECT_EQ(signals->Wait(std::chrono::hours(1)), ProcessSignal::kTerminate);
  EXPECT_EQ(signals->Wait(std::chrono::milliseconds(1)), std::nullopt);
}

TEST(SignalQueueTest, ABrokenPipeIsAnErrorNotASignal) {
  ASSERT_TRUE(SignalQueue::Open().ok());
  int ends[2];
  ASSERT_EQ(::pipe2(ends, O_CLOEXEC), 0);
  ::close(ends[0]);
  EXPECT_EQ(::write(ends[1], "x", 1), -1);
  EXPECT_EQ(errno, EPIPE);
  ::close(ends[1]);
}

TEST(DescriptorLimitTest, IsRaisedToTheHardLimit) {
  rlimit limit = {};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &limit), 0);
  limit.rlim_cur = 64;
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &limit), 0);
  EXPECT_EQ(RaiseDescriptorLimit(), limit.rlim_max);
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &limit), 0);
  EXPECT_EQ(limit.rlim_cur, limit.rlim_max);
}

}  // namespace
}  // namespace detach
