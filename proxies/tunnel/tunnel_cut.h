// The wish from outside that a tunnel end.
#ifndef DETACH_PROXIES_TUNNEL_TUNNEL_CUT_H_
#define DETACH_PROXIES_TUNNEL_TUNNEL_CUT_H_

#include <functional>
#include <utility>

#include "bio/status.h"

namespace detach {

// TunnelCut takes a wish that a tunnel end to whatever runs it, once that runs. All on the tunnel's
// thread.
class TunnelCut {
 public:
  // Request wishes the tunnel to end, `why` (not ok) going to the log. The first wish counts.
  void Request(Status why) {
    if (!wish_.ok()) return;
    wish_ = std::move(why);
    if (cut_) cut_(wish_);
  }

  // SetCutter names what cuts the tunnel from now on, null for nobody. It is called at once where
  // that was wished before.
  void SetCutter(std::function<void(const Status& why)> cut) {
    cut_ = std::move(cut);
    if (cut_ && !wish_.ok()) cut_(wish_);
  }

 private:
  Status wish_;
  std::function<void(const Status&)> cut_;
};

}  // namespace detach

#endif  // DETACH_PROXIES_TUNNEL_TUNNEL_CUT_H_
