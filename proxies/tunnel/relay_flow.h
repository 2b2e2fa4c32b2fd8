// One direction of a raw tunnel.
#ifndef DETACH_PROXIES_TUNNEL_RELAY_FLOW_H_
#define DETACH_PROXIES_TUNNEL_RELAY_FLOW_H_

#include <sys/types.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "proxies/tunnel/pipe_pool.h"
#include "proxies/tunnel/raw_tunnel.h"

namespace detach {

// RelayScratch is what all flows of one thread use, one after the other.
struct RelayScratch {
  explicit RelayScratch(PipePool& pool) : pipes(pool) {}

  PipePool& pipes;
  std::array<std::uint8_t, 64 * 1024> buffer;
};

// RelayFlow moves bytes from a source to a sink: the leftover first, then what the source sends,
// then its FIN. It reads only when everything read before has been delivered, so it never holds
// more than the leftover, or one pipe or one buffer full, and a sink that does not read stops the
// source. Messages are copied (recv and send: two calls, and no pipe); once reads show bulk they
// are spliced: a large one, or several of some size. One thread.
class RelayFlow {
 public:
  // What the flow waits for, or how it ended.
  enum class Need : std::uint8_t { kSource, kSink, kFinished, kSourceFailed, kSinkFailed };

  // A read of this size or more says that there may be more to read at once: bulk.
  static constexpr std::size_t kBulkRead = 16 * 1024;

  explicit RelayFlow(RawDirection direction);

  // Pump moves what can be moved without blocking, in at most `rounds` reads, and returns need().
  // Each time with the same sockets, and with scratch of the same pool. Both are non-blocking, and
  // SIGPIPE is blocked: splice(2) raises it.
  Need Pump(int source, int sink, RelayScratch& scratch, int rounds);

  // Salvage moves what a source that was reset still has to give, as far as the sink takes it now,
  // but not its end: of a reset socket whose error was fetched, Linux reports EOF.
  void Salvage(int source, int sink, RelayScratch& scratch);

  // Abandon gives up what was read and not delivered. Needed before the flow goes.
  void Abandon(RelayScratch& scratch);

  Need need() const { return need_; }
  const FlowCount& count() const { return count_; }

 private:
  Need Drain(int sink);
  Need DrainPipe(int sink);
  Need DrainHeld(int sink);
  Need Finish(int sink);
  ssize_t Fill(int source, RelayScratch& scratch);
  ssize_t Splice(int source);
  ssize_t Receive(int source, RelayScratch& scratch);
  void ChooseMethod(std::size_t read);
  void TidyUp(RelayScratch& scratch);

  FlowCount count_;
  // Bytes that wait for the sink: in memory or in the pipe, never both. held_ lies in owned_, or,
  // only while Pump runs, in the scratch buffer (borrowed_). Between two Pumps there is a pipe only
  // if in_pipe_ > 0, and owned_ is empty if held_ is.
  std::vector<std::uint8_t> owned_;
  std::span<const std::uint8_t> held_;
  std::unique_ptr<Pipe> pipe_;
  std::size_t in_pipe_ = 0;

  Need need_ = Need::kSource;
  bool borrowed_ = false;
  bool eof_ = false;
  bool bulk_ = false;
  std::uint8_t reads_for_other_ = 0;  // in a row, that spoke for the other method
};

}  // namespace detach

#endif  // DETACH_PROXIES_TUNNEL_RELAY_FLOW_H_
