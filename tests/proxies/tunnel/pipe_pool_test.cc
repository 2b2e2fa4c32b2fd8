#include "proxies/tunnel/pipe_pool.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <memory>
#include <utility>

namespace detach {
namespace {

TEST(PipePoolTest, LendsNonBlockingPipesOfAtLeastTheLeastCapacity) {
  PipePool pool(1);
  const std::unique_ptr<Pipe> pipe = pool.Take();
  ASSERT_NE(nullptr, pipe);
  EXPECT_GE(pipe->capacity, std::size_t{PipePool::kLeastCapacity});
  EXPECT_EQ(pipe->capacity, ::fcntl(pipe->read_end.get(), F_GETPIPE_SZ));
  for (const int fd : {pipe->read_end.get(), pipe->write_end.get()}) {
    EXPECT_TRUE(::fcntl(fd, F_GETFL) & O_NONBLOCK);
    EXPECT_TRUE(::fcntl(fd, F_GETFD) & FD_CLOEXEC);
  }
}

TEST(PipePoolTest, LendsNoMoreThanItsLimit) {
  PipePool pool(2);
  std::unique_ptr<Pipe> first = pool.Take();
  const std::unique_ptr<Pipe> second = pool.Take();
  EXPECT_EQ(nullptr, pool.Take());
  pool.Give(std::move(first));
  EXPECT_NE(nullptr, pool.Take());
}

TEST(PipePoolTest, LendsTheSamePipeAgain) {
  PipePool pool(2);
  std::unique_ptr<Pipe> pipe = pool.Take();
  const Pipe* const address = pipe.get();
  pool.Give(std::move(pipe));
  EXPECT_EQ(address, pool.Take().get());
}

TEST(PipePoolTest, ReplacesADiscardedPipe) {
  PipePool pool(1);
  std::unique_ptr<Pipe> pipe = pool.Take();
  ASSERT_EQ(1, ::write(pipe->write_end.get(), "x", 1));
  pool.Discard(std::move(pipe));
  pipe = pool.Take();
  ASSERT_NE(nullptr, pipe);
  char byte;
  EXPECT_EQ(-1, ::read(pipe->read_end.get(), &byte, 1));
}

}  // namespace
}  // namespace detach
