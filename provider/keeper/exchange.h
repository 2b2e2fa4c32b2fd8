// Questions to a keeper, and its answers.
#ifndef DETACH_PROVIDER_KEEPER_EXCHANGE_H_
#define DETACH_PROVIDER_KEEPER_EXCHANGE_H_

#include "bio/status.h"
#include "provider/keeper/connections.h"
#include "provider/keeper/frame.h"

namespace detach {

// Exchange is a conversation over one connection: one that was kept, where there is one. A keeper
// may have ended that while nobody asked, so it is replaced, once, if the first question shows that
// it has ended. Behind a channel a new one is replaced so, too, once: a keeper that dies there is
// started again. Nothing else is tried twice. A connection without a fault is kept afterwards.
class Exchange {
 public:
  // `connections` is borrowed for as long as this lives.
  explicit Exchange(KeeperConnections& connections);
  Exchange(const Exchange&) = delete;
  Exchange& operator=(const Exchange&) = delete;
  ~Exchange();

  // Ask returns the reply to `request`, which is of type `expected`. Errors are KeeperClient's; any
  // but kIncompatible, a refusal, is the end of the conversation.
  Result<Frame> Ask(const Frame& request, FrameType expected);

 private:
  KeeperConnections& connections_;
  KeeperConnectionPtr connection_;  // null: there is none yet, or it has a fault
  int replacements_;                // that are left, until the first answer
};

}  // namespace detach

#endif  // DETACH_PROVIDER_KEEPER_EXCHANGE_H_
