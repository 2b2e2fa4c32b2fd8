// A keeper in a thread of the test.
#ifndef DETACH_TESTS_PROVIDER_KEEPER_RUNNING_KEEPER_H_
#define DETACH_TESTS_PROVIDER_KEEPER_RUNNING_KEEPER_H_

#include <gtest/gtest.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "bio/socket/unique_fd.h"
#include "provider/keeper/requests.h"
#include "provider/keeper/server.h"
#include "provider/keeper/unix_socket.h"

namespace detach {

// RunningKeeper serves as long as it lives, or until nobody is left who could ask.
class RunningKeeper {
 public:
  // At a socket.
  RunningKeeper(const std::string& path, std::vector<KeeperIdentity> identities)
      : requests_(std::move(identities)), server_(requests_, {::geteuid()}) {
    Result<UniqueFd> listener = ListenAt(path);
    EXPECT_TRUE(listener.ok()) << listener.status().message();
    server_.Listen(*std::move(listener));
    Run();
  }
  // Behind a channel.
  RunningKeeper(UniqueFd channel, std::vector<KeeperIdentity> identities)
      : requests_(std::move(identities)), server_(requests_, {}) {
    EXPECT_TRUE(server_.TakeConnectionsFrom(std::move(channel)).ok());
    Run();
  }
  ~RunningKeeper() {
    ::eventfd_write(stop_.get(), 1);
    thread_.join();
  }

 private:
  void Run() {
    EXPECT_EQ(server_.Start(1), 1U);
    thread_ = std::thread([this] { server_.Run(stop_.get()); });
  }

  UniqueFd stop_{::eventfd(0, EFD_CLOEXEC)};
  Requests requests_;
  KeeperServer server_;
  std::thread thread_;
};

}  // namespace detach

#endif  // DETACH_TESTS_PROVIDER_KEEPER_RUNNING_KEEPER_H_
