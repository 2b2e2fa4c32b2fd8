#include "program/start_program.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <string>
#include <vector>

#include "bio/socket/unique_fd.h"
#include "tests/support/in_child.h"

namespace detach {
namespace {

struct Pipe {
  Pipe() {
    std::array<int, 2> ends = {};
    EXPECT_EQ(::pipe2(ends.data(), O_CLOEXEC), 0);
    read = UniqueFd(ends[0]);
    write = UniqueFd(ends[1]);
  }
  UniqueFd read;
  UniqueFd write;
};

std::string ReadAll(const UniqueFd& from) {
  std::string all;
  std::array<char, 512> piece;
  ssize_t size = 0;
  while ((size = ::read(from.get(), piece.data(), piece.size())) > 0) {
    all.append(piece.data(), static_cast<std::size_t>(size));
  }
  return all;
}

// What a script writes to its descriptor 3. Its 4 is `input`.
std::string Output(const std::string& script, const UniqueFd* input = nullptr) {
  Pipe output;
  std::vector<int> descriptors = {output.write.get()};
  if (input != nullptr) descriptors.push_back(input->get());
  const Result<pid_t> started = StartProgram("/bin/sh", {"-c", script}, descriptors);
  EXPECT_TRUE(started.ok()) << started.status().message();
  output.write.reset();
  std::string all = ReadAll(output.read);
  int status = 0;
  EXPECT_EQ(::waitpid(*started, &status, 0), *started);
  return all;
}

TEST(StartProgramTest, ItHasWhatItIsGivenInOrder) {
  Pipe input;
  EXPECT_EQ(::write(input.write.get(), "through 4\n", 10), 10);
  input.write.reset();
  EXPECT_EQ(Output("cat <&4 >&3", &input.read), "through 4\n");
}

TEST(StartProgramTest, NoNumberIsInAnothersWay) {
  const int result = InChild([] {
    Pipe input;
    Pipe output;
    // As the program is to have them, but the other way round.
    const UniqueFd high_input(::fcntl(input.read.get(), F_DUPFD, 100));
    const UniqueFd high_output(::fcntl(output.write.get(), F_DUPFD, 100));
    const int back = ::fcntl(output.read.get(), F_DUPFD, 100);
    ::dup2(high_input.get(), 4);
    ::dup2(high_output.get(), 3);
    const std::array<int, 2> crossed = {4, 3};
    const Result<pid_t> started =
        StartProgram("/bin/sh", {"-c", "test -r /dev/fd/3 && echo x >&4"}, crossed);
    char x = 0;
    return started.ok() && ::read(back, &x, 1) == 1 && x == 'x' ? 0 : 1;
  });
  EXPECT_EQ(result, 0);
}

TEST(StartProgramTest, ItHasNothingElse) {
  const UniqueFd zero(::open("/dev/zero", O_RDONLY | O_CLOEXEC));
  const UniqueFd inheritable(::fcntl(zero.get(), F_DUPFD, 50));
  ASSERT_TRUE(inheritable.valid());
  const std::string open = Output("all=$(cd /proc/$$/fd && readlink *); echo \"$all\" >&3");
  EXPECT_EQ(open.substr(0, 20), "/dev/null\n/dev/null\n");
  EXPECT_EQ(open.find("/dev/zero"), std::string::npos) << open;
}

TEST(StartProgramTest, ItHasASessionOfItsOwn) {
  const std::string session = Output("cut -d' ' -f6 /proc/$$/stat >&3; echo $$ >&3");
  const std::size_t half = session.size() / 2;
  EXPECT_EQ(session.substr(0, half), session.substr(half));
}

TEST(StartProgramTest, NoSignalIsBlocked) {
  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  ASSERT_EQ(::pthread_sigmask(SIG_BLOCK, &all, &before), 0);
  const std::string blocked = Output("grep ^SigBlk: /proc/self/status >&3");
  ASSERT_EQ(::pthread_sigmask(SIG_SETMASK, &before, nullptr), 0);
  EXPECT_EQ(blocked, "SigBlk:\t0000000000000000\n");
}

TEST(StartProgramTest, WhatCannotBeStartedIsNamed) {
  const Status status = StartProgram("/nowhere/program", {}, {}).status();
  EXPECT_EQ(status.fault(), Fault::kInternal);
  EXPECT_EQ(status.message(), "/nowhere/program: No such file or directory");
}

}  // namespace
}  // namespace detach
