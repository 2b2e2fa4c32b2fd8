// Closing what a peer has made, without waiting for as long as the peer likes.
#ifndef DETACH_PROVIDER_KEEPER_BRIEF_CLOSING_H_
#define DETACH_PROVIDER_KEEPER_BRIEF_CLOSING_H_

#include <ctime>

namespace detach {

// BriefClosing keeps what this thread closes while it lives from lingering (SO_LINGER): a
// millisecond later a signal ends such a wait, and again each millisecond. What lies unread in a
// socket of AF_UNIX is closed with it: descriptors, which may be the last of their sockets.
//
// Not by SO_LINGER itself: they would have to be received for that. Then closing one of a file
// could wait in turn (flush, in file systems of users), and who sent a socket can set the option
// again until it is closed.
class BriefClosing {
 public:
  // Prepare makes the signal one that ends waiting and nothing else. Once, before the first.
  static void Prepare();

  BriefClosing();
  BriefClosing(const BriefClosing&) = delete;
  BriefClosing& operator=(const BriefClosing&) = delete;
  ~BriefClosing();

 private:
  timer_t timer_ = {};
  bool runs_ = false;
};

}  // namespace detach

#endif  // DETACH_PROVIDER_KEEPER_BRIEF_CLOSING_H_
