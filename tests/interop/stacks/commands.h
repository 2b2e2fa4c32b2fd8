// The commands of tests/interop/stack_program.py, for stacks that are driven from C++.
#ifndef DETACH_TESTS_INTEROP_STACKS_COMMANDS_H_
#define DETACH_TESTS_INTEROP_STACKS_COMMANDS_H_

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "bio/backend/tls_config.h"
#include "bio/socket/unique_fd.h"
#include "bio/status.h"

namespace detach {

// StackEnd is one connection of a TLS stack.
class StackEnd {
 public:
  virtual ~StackEnd() = default;

  // Handshake starts TLS, of exactly `version`. What a server shows and a client trusts lies in
  // the folder that the program was given; the name is localhost.
  virtual Status Handshake(Role role, TlsVersion version) = 0;

  // Write and ReadByte go through TLS or not, as that direction is. '\0' is the end.
  virtual Status Write(std::string_view bytes) = 0;
  virtual Result<char> ReadByte() = 0;

  // Detach leaves TLS in both directions, as the stack's users do it who close first.
  virtual Status Detach() = 0;

  // Close sends close_notify, and what is written next is raw. AwaitClose reads the peer's.
  virtual Status Close() = 0;
  virtual Status AwaitClose() = 0;
};

using NewStackEnd = std::function<std::unique_ptr<StackEnd>(UniqueFd)>;

// RunCommands obeys standard input until its end. `stack` names the stack, with its version.
int RunCommands(const std::string& stack, const NewStackEnd& new_end);

}  // namespace detach

#endif  // DETACH_TESTS_INTEROP_STACKS_COMMANDS_H_
