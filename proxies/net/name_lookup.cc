#include "proxies/net/name_lookup.h"

#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <asio/error_code.hpp>
#include <asio/post.hpp>
#include <asio/redirect_error.hpp>
#include <asio/use_awaitable.hpp>
#include <atomic>
#include <cstring>
#include <mutex>
#include <system_error>
#include <thread>
#include <utility>

namespace detach {
namespace {

using Addresses = Result<std::vector<asio::ip::address>>;

// A place among the lookups of this process, or null.
std::shared_ptr<void> TakePlace() {
  static std::atomic<int> taken{0};
  if (taken.fetch_add(1) >= NameLookup::kMost) {
    taken.fetch_sub(1);
    return nullptr;
  }
  return {&taken, [](std::atomic<int>* count) { count->fetch_sub(1); }};
}

asio::ip::address ToAddress(const sockaddr& socket_address) {
  if (socket_address.sa_family == AF_INET) {
    sockaddr_in ipv4;
    std::memcpy(&ipv4, &socket_address, sizeof ipv4);
    return asio::ip::address_v4(ntohl(ipv4.sin_addr.s_addr));
  }
  sockaddr_in6 ipv6;
  std::memcpy(&ipv6, &socket_address, sizeof ipv6);
  asio::ip::address_v6::bytes_type bytes;
  std::copy_n(ipv6.sin6_addr.s6_addr, bytes.size(), bytes.begin());
  return asio::ip::address_v6(bytes, ipv6.sin6_scope_id);
}

Addresses LookUp(const std::string& host) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  if (const int error = ::getaddrinfo(host.c_str(), nullptr, &hints, &found); error != 0) {
    return Transport(::gai_strerror(error));
  }
  std::vector<asio::ip::address> addresses;
  for (const addrinfo* entry = found; entry != nullptr; entry = entry->ai_next) {
    addresses.push_back(ToAddress(*entry->ai_addr));
  }
  ::freeaddrinfo(found);
  return addresses;
}

}  // namespace

struct NameLookup::State {
  std::mutex mutex;
  asio::steady_timer* waiting;  // null: nobody is, and the executor may be gone
  Addresses result = Transport("cancelled");

  void Finish(const std::shared_ptr<State>& self, Addresses found) {
    const std::lock_guard lock(mutex);
    if (waiting == nullptr) return;
    result = std::move(found);
    asio::post(waiting->get_executor(), [self] {
      const std::lock_guard lock_again(self->mutex);
      if (self->waiting != nullptr) self->waiting->cancel();
    });
  }
};

NameLookup::NameLookup(const asio::any_io_executor& executor)
    : done_(executor, asio::steady_timer::time_point::max()), state_(std::make_shared<State>()) {
  state_->waiting = &done_;
}

NameLookup::~NameLookup() { Cancel(); }

void NameLookup::Cancel() {
  const std::lock_guard lock(state_->mutex);
  state_->waiting = nullptr;
  done_.cancel();
}

asio::awaitable<Addresses> NameLookup::Run(std::string host) {
  asio::error_code error;
  const asio::ip::address literal = asio::ip::make_address(host, error);
  if (!error) co_return std::vector<asio::ip::address>{literal};
  const std::shared_ptr<void> place = TakePlace();
  if (!place) co_return Transport("too many names are being looked up at a time");
  try {
    // Nobody could join it: no call ends a getaddrinfo.
    std::thread([state = state_, host = std::move(host), place] {
      state->Finish(state, LookUp(host));
    }).detach();
  } catch (const std::system_error&) {
    co_return Transport("no thread is left to look it up");
  }
  co_await done_.async_wait(asio::redirect_error(asio::use_awaitable, error));
  const std::lock_guard lock(state_->mutex);
  co_return std::move(state_->result);
}

}  // namespace detach
