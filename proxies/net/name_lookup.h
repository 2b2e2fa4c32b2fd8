// NameLookup: the addresses of a name, without blocking a thread that serves.
#ifndef DETACH_PROXIES_NET_NAME_LOOKUP_H_
#define DETACH_PROXIES_NET_NAME_LOOKUP_H_

#include <asio/any_io_executor.hpp>
#include <asio/awaitable.hpp>
#include <asio/ip/address.hpp>
#include <asio/steady_timer.hpp>
#include <memory>
#include <string>
#include <vector>

#include "bio/status.h"

namespace detach {

// NameLookup asks getaddrinfo in a thread of its own. Asio's resolver has one thread for each
// io_context, in which a name whose DNS is silent holds up all others, and cannot be left before it
// has answered. One lookup, on one executor.
class NameLookup {
 public:
  // At most so many at a time in this process; further ones fail at once.
  static constexpr int kMost = 256;

  explicit NameLookup(const asio::any_io_executor& executor);
  NameLookup(const NameLookup&) = delete;
  NameLookup& operator=(const NameLookup&) = delete;
  ~NameLookup();

  // Run returns the addresses of `host` (a name or an address literal) in the order of
  // getaddrinfo, which is that of RFC 6724; or why there are none, for a person.
  asio::awaitable<Result<std::vector<asio::ip::address>>> Run(std::string host);

  // Cancel ends Run with an error. On the executor.
  void Cancel();

 private:
  struct State;

  asio::steady_timer done_;       // cancelled when there is a result
  std::shared_ptr<State> state_;  // shared with the thread, which may outlive this and the executor
};

}  // namespace detach

#endif  // DETACH_PROXIES_NET_NAME_LOOKUP_H_
