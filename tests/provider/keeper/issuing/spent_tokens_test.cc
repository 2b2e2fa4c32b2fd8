#include "provider/keeper/issuing/spent_tokens.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "program/hex_text.h"
#include "tests/support/temporary_directory.h"

namespace detach {
namespace {

Sha256 TokenNumber(std::uint8_t number) {
  Sha256 hash = {};
  hash.fill(number);
  return hash;
}

class SpentTokensTest : public ::testing::Test {
 protected:
  std::unique_ptr<SpentTokens> Open() {
    Result<std::unique_ptr<SpentTokens>> tokens = SpentTokens::Open(path_);
    EXPECT_TRUE(tokens.ok()) << tokens.status().message();
    return tokens.ok() ? *std::move(tokens) : nullptr;
  }
  static bool Spend(SpentTokens& tokens, const Sha256& token) {
    const Result<bool> spent = tokens.Spend(token);
    EXPECT_TRUE(spent.ok()) << spent.status().message();
    return spent.ok() && *spent;
  }
  void Write(const std::string& text) { directory_.Write("spent", text); }
  std::string Contents() const {
    std::ifstream file(path_, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
  }

  TemporaryDirectory directory_;
  const std::string path_ = (directory_.path() / "spent").string();
};

TEST_F(SpentTokensTest, ATokenIsGoodOnce) {
  const auto tokens = Open();
  EXPECT_TRUE(Spend(*tokens, TokenNumber(1)));
  EXPECT_FALSE(Spend(*tokens, TokenNumber(1)));
  EXPECT_TRUE(Spend(*tokens, TokenNumber(2)));
  EXPECT_FALSE(Spend(*Open(), TokenNumber(2)));
  EXPECT_EQ(Contents(), HexText(TokenNumber(1)) + "\n" + HexText(TokenNumber(2)) + "\n");
}

TEST_F(SpentTokensTest, OneKeeperSeesWhatAnotherHasTaken) {
  const auto one = Open();
  const auto other = Open();
  EXPECT_TRUE(Spend(*one, TokenNumber(1)));
  EXPECT_FALSE(Spend(*other, TokenNumber(1)));
  EXPECT_TRUE(Spend(*other, TokenNumber(2)));
  EXPECT_FALSE(Spend(*one, TokenNumber(2)));
}

TEST_F(SpentTokensTest, OfManyWhoHaveOneTokenOneGetsIn) {
  const auto one = Open();
  const auto other = Open();
  std::vector<int> taken(4);
  std::vector<std::thread> threads;
  for (std::size_t i = 0; i < taken.size(); ++i) {
    threads.emplace_back([&, i] {
      for (std::uint8_t token = 0; token < 50; ++token) {
        taken[i] += Spend(i % 2 == 0 ? *one : *other, TokenNumber(token)) ? 1 : 0;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(taken[0] + taken[1] + taken[2] + taken[3], 50);
}

TEST_F(SpentTokensTest, ALineThatWasNeverFinishedSpendsNothingAndIsInNobodysWay) {
  const std::string whole = HexText(TokenNumber(1)) + "\n";
  for (std::size_t size = 1; size < kSha256Digits; ++size) {
    Write(whole + HexText(TokenNumber(2)).substr(0, size));
    const auto tokens = Open();
    EXPECT_EQ(Contents(), whole);
    EXPECT_FALSE(Spend(*tokens, TokenNumber(1)));
    EXPECT_TRUE(Spend(*tokens, TokenNumber(2)));
    EXPECT_FALSE(Spend(*Open(), TokenNumber(2)));
  }
}

TEST_F(SpentTokensTest, AHashWithoutItsEndOfLineIsSpent) {
  Write(HexText(TokenNumber(1)));
  const auto tokens = Open();
  EXPECT_FALSE(Spend(*tokens, TokenNumber(1)));
  EXPECT_TRUE(Spend(*tokens, TokenNumber(2)));
  EXPECT_EQ(Contents(), HexText(TokenNumber(1)) + "\n" + HexText(TokenNumber(2)) + "\n");
}

TEST_F(SpentTokensTest, WhatIsNoSpentTokenIsAnError) {
  Write(HexText(TokenNumber(1)) + "\n# a remark\n" + HexText(TokenNumber(2)) + "\n");
  const Result<std::unique_ptr<SpentTokens>> tokens = SpentTokens::Open(path_);
  ASSERT_FALSE(tokens.ok());
  EXPECT_TRUE(tokens.status().message().starts_with(path_ + ":2:1: ")) << tokens.status().message();
}

TEST_F(SpentTokensTest, AMissingFolderIsTheOperatorsToMake) {
  const auto tokens = SpentTokens::Open(path_ + ".folder/tokens");
  EXPECT_TRUE(tokens.status().message().ends_with("; the keeper makes it, but not its folder"))
      << tokens.status().message();
}

TEST_F(SpentTokensTest, AFileThatHasBecomeSmallerIsNotBelieved) {
  const auto tokens = Open();
  EXPECT_TRUE(Spend(*tokens, TokenNumber(1)));
  Write("");
  const Result<bool> spent = tokens->Spend(TokenNumber(2));
  ASSERT_FALSE(spent.ok());
  EXPECT_EQ(spent.status().fault(), Fault::kInternal);
}

TEST_F(SpentTokensTest, IsNoFileThatOthersMayWriteOrLockNorALink) {
  Write("");
  for (const unsigned mode : {0620U, 0604U}) {
    std::filesystem::permissions(path_, std::filesystem::perms(mode));
    EXPECT_FALSE(SpentTokens::Open(path_).ok());
  }
  std::filesystem::permissions(path_, std::filesystem::perms(0600));
  const std::string link = (directory_.path() / "link").string();
  std::filesystem::create_symlink(path_, link);
  EXPECT_FALSE(SpentTokens::Open(link).ok());
  EXPECT_FALSE(SpentTokens::Open("/dev/null").ok());
}

// Traced runs `act` in a child, and kills it (SIGKILL) where it has come to its system call number
// `last`: before that call, or behind it. Returns the calls that it has made; `ended` tells whether
// it came to its end before.
template <typename Act>
std::vector<long> Traced(Act act, std::size_t last, bool* ended) {
  const pid_t child = ::fork();
  if (child == 0) {
    ::ptrace(PTRACE_TRACEME, 0, nullptr, nullptr);
    ::raise(SIGSTOP);
    act();
    ::_exit(0);
  }
  std::vector<long> calls;
  int status = 0;
  ::waitpid(child, &status, 0);
  ::ptrace(PTRACE_SETOPTIONS, child, 0, PTRACE_O_TRACESYSGOOD);  // or it does not say which call
  for (std::size_t stop = 0; stop < last; ++stop) {
    ::ptrace(PTRACE_SYSCALL, child, nullptr, nullptr);
    ::waitpid(child, &status, 0);
    if (WIFEXITED(status)) break;
    __ptrace_syscall_info call = {};
    ::ptrace(PTRACE_GET_SYSCALL_INFO, child, sizeof call, &call);
    if (call.op == PTRACE_SYSCALL_INFO_ENTRY) calls.push_back(static_cast<long>(call.entry.nr));
  }
  *ended = WIFEXITED(status);
  if (!*ended) {
    ::kill(child, SIGKILL);
    ::waitpid(child, &status, 0);
  }
  return calls;
}

// Whoever is let in writes a byte, as the keeper sends a certificate.
void SpendAndTell(const std::string& path, int to) {
  const Result<std::unique_ptr<SpentTokens>> tokens = SpentTokens::Open(path);
  if (!tokens.ok()) ::_exit(1);
  const Result<bool> spent = (*tokens)->Spend(TokenNumber(7));
  if (spent.ok() && *spent) (void)!::write(to, "!", 1);
}

TEST_F(SpentTokensTest, AKeeperThatIsKilledAtAnySystemCallLetsATokenInOnce) {
  bool ended = false;
  std::vector<long> calls;
  std::size_t let_in = 0;
  for (std::size_t stop = 1; !ended; ++stop) {
    Write("");
    int told[2];
    ASSERT_EQ(::pipe2(told, O_NONBLOCK | O_CLOEXEC), 0);
    const auto act = [&] { SpendAndTell(path_, told[1]); };
    calls = Traced(act, stop, &ended);
    bool again = false;
    Traced(act, SIZE_MAX, &again);
    EXPECT_TRUE(again);
    char bytes[8];
    const ssize_t count = ::read(told[0], bytes, sizeof bytes);
    EXPECT_LE(count, 1) << "killed at stop " << stop;
    let_in += count == 1 ? 1 : 0;
    ::close(told[0]);
    ::close(told[1]);
  }
  EXPECT_GT(let_in, 10u);
  // Power is lost where the disk has not said that it has it: nobody is told before that.
  const auto synced = std::find(calls.begin(), calls.end(), SYS_fdatasync);
  ASSERT_NE(synced, calls.end());
  EXPECT_EQ(std::count(calls.begin(), synced, SYS_write), 1);
  EXPECT_EQ(std::count(synced, calls.end(), SYS_write), 1);
}

}  // namespace
}  // namespace detach
