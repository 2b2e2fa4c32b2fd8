// A connection of a TLS stack that is handed a descriptor, and knows nothing of ours.
#ifndef DETACH_TESTS_INTEROP_STACKS_STOCK_END_H_
#define DETACH_TESTS_INTEROP_STACKS_STOCK_END_H_

#include <string>
#include <string_view>
#include <utility>

#include "bio/socket/unique_fd.h"
#include "bio/status.h"
#include "tests/interop/stacks/commands.h"

namespace detach {

// StockEnd reads and writes the descriptor itself where a direction is raw; its heirs know the
// stack's calls.
class StockEnd : public StackEnd {
 public:
  explicit StockEnd(UniqueFd fd) : fd_(std::move(fd)) {}

  Status Handshake(Role role, TlsVersion version) final;
  Status Write(std::string_view bytes) final;
  Result<char> ReadByte() final;
  Status Detach() final;
  Status Close() final;
  Status AwaitClose() final;

 protected:
  int fd() const { return fd_.get(); }

  // kTransport of what the stack says.
  virtual Status StartTls(Role role, TlsVersion version) = 0;
  virtual Status WriteTls(std::string_view bytes) = 0;
  virtual Result<char> ReadTls() = 0;
  virtual Status LeaveTls() = 0;  // both directions
  virtual Status SendCloseNotify() = 0;
  virtual Status ReceiveCloseNotify() = 0;
  // Both directions are raw. Returns what came behind close_notify and the stack can give back.
  virtual std::string EndTls() = 0;

 private:
  void Left();

  UniqueFd fd_;
  bool sending_tls_ = false;
  bool receiving_tls_ = false;
  std::string leftover_;
};

}  // namespace detach

#endif  // DETACH_TESTS_INTEROP_STACKS_STOCK_END_H_
