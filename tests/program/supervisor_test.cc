#include "program/supervisor.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstddef>
#include <cstdlib>
#include <filesystem>
#include <string>

#include "bio/socket/unique_fd.h"
#include "tests/support/temporary_directory.h"

namespace detach {
namespace {

class SupervisorTest : public ::testing::Test {
 protected:
  // Listen binds a supervisor's socket named `name`; "@" begins an abstract one.
  void Listen(const std::string& name) {
    sockaddr_un address = {};
    address.sun_family = AF_UNIX;
    name.copy(address.sun_path, sizeof address.sun_path);
    if (name[0] == '@') address.sun_path[0] = '\0';
    const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + name.size());
    socket_.reset(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    ASSERT_EQ(::bind(socket_.get(), reinterpret_cast<sockaddr*>(&address), size), 0);
    ::setenv("NOTIFY_SOCKET", name.c_str(), 1);
  }
  ~SupervisorTest() override { ::unsetenv("NOTIFY_SOCKET"); }

  std::string Received() const {
    char text[256];
    const ssize_t size = ::recv(socket_.get(), text, sizeof text, 0);
    return size < 0 ? "" : std::string(text, static_cast<std::size_t>(size));
  }

  TemporaryDirectory directory_;
  UniqueFd socket_;
};

TEST_F(SupervisorTest, IsToldReadyReloadingStopping) {
  Listen(std::filesystem::relative(directory_.path() / "s").string());
  EXPECT_TRUE(NotifySupervisor(ServiceState::kReady).ok());
  EXPECT_EQ(Received(), "READY=1");
  EXPECT_TRUE(NotifySupervisor(ServiceState::kReloading).ok());
  EXPECT_TRUE(Received().starts_with("RELOADING=1\nMONOTONIC_USEC="));
  EXPECT_TRUE(NotifySupervisor(ServiceState::kStopping).ok());
  EXPECT_EQ(Received(), "STOPPING=1");
}

TEST_F(SupervisorTest, MayHaveAnAbstractSocket) {
  Listen("@detach-test-" + std::to_string(::getpid()));
  EXPECT_TRUE(NotifySupervisor(ServiceState::kReady).ok());
  EXPECT_EQ(Received(), "READY=1");
}

TEST_F(SupervisorTest, NeedNotBeThere) {
  ::unsetenv("NOTIFY_SOCKET");
  EXPECT_TRUE(NotifySupervisor(ServiceState::kReady).ok());
  ::setenv("NOTIFY_SOCKET", (directory_.path() / "gone").c_str(), 1);
  EXPECT_FALSE(NotifySupervisor(ServiceState::kReady).ok());
}

}  // namespace
}  // namespace detach
