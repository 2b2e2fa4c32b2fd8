// Memory runs out at the k-th allocation, for every k: one error, and nothing of it is lost in
// Botan, which swallows exceptions in places. (What Botan keeps in locked memory comes from
// calloc, and is not reached. Its pool of such memory is off here: that allocates while it frees,
// and ends the process where it cannot.)
#include <botan/version.h>
#include <gtest/gtest.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <new>

#include "tests/bio/backend/botan/botan_fixture.h"

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define DETACH_ASAN
#elif __has_feature(thread_sanitizer)
#define DETACH_TSAN
#endif
#endif

namespace {

// Allocations of this thread until one fails; negative: none fails.
thread_local long allocations_left = -1;
thread_local bool allocation_failed = false;

}  // namespace

// TSan's runtime has operators of its own, which nobody can replace: this test is not run there.
#if !defined(DETACH_TSAN)
void* operator new(std::size_t size) {
  if (allocations_left >= 0 && allocations_left-- == 0) {
    allocation_failed = true;
    throw std::bad_alloc();
  }
  void* const memory = std::malloc(size == 0 ? 1 : size);
  if (memory == nullptr) throw std::bad_alloc();
  return memory;
}
void* operator new[](std::size_t size) { return operator new(size); }
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete[](void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t /*size*/) noexcept { std::free(memory); }
void operator delete[](void* memory, std::size_t /*size*/) noexcept { std::free(memory); }
#endif

// What Botan had allocated when an allocation failed it does not always free. (Read by
// LeakSanitizer, where there is one.)
extern "C" const char* __lsan_default_suppressions();  // NOLINT(bugprone-reserved-identifier)
extern "C" const char* __lsan_default_suppressions() { return "leak:libbotan"; }

namespace detach {
namespace {

// ASan makes each try some ten times as dear.
#if defined(DETACH_ASAN)
constexpr long kStride = 13;
#else
constexpr long kStride = 1;
#endif

// Botan 3.7's Signature_Scheme allocates in functions that are noexcept: a handshake that runs out
// of memory there ends the process, whoever calls.
constexpr bool kHandshakeMayEndTheProcess = BOTAN_VERSION_MAJOR >= 3;

// FixedSink allocates nothing, so that only the backend's allocations fail.
class FixedSink final : public TlsBackend::Sink {
 public:
  void OnRecords(std::span<const std::uint8_t> bytes) override {
    for (const std::uint8_t byte : bytes) wire_.at(size_++) = byte;
  }
  void OnPlaintext(std::span<const std::uint8_t> bytes) override { plaintext_ += bytes.size(); }
  void OnHandshakeDone() override { done_ = true; }
  void OnCloseNotify() override { closed_ = true; }

  bool done() const { return done_; }
  bool closed() const { return closed_; }
  std::size_t plaintext() const { return plaintext_; }
  Bytes Take() {
    Bytes taken(wire_.begin(), wire_.begin() + static_cast<std::ptrdiff_t>(size_));
    size_ = 0;
    return taken;
  }

 private:
  std::array<std::uint8_t, 32 * 1024> wire_;
  std::size_t size_ = 0;
  std::size_t plaintext_ = 0;
  bool done_ = false;
  bool closed_ = false;
};

struct FixedEnd {
  std::unique_ptr<TlsBackend> backend;
  FixedSink sink;
  Status status;
};

class AllocationFailure : public BotanTest {
 protected:
  // Starve runs `call`, at whose k-th allocation memory runs out, and counts k down.
  template <typename Call>
  void Starve(FixedEnd& end, Call call) {
    if (!end.status.ok()) return;
    if (kHandshakeMayEndTheProcess && !end.sink.done()) {
      end.status = call();
      return;
    }
    allocations_left = left_;
    Status status = call();
    left_ = allocations_left;
    allocations_left = -1;
    end.status = std::move(status);
  }

  void Deliver(FixedEnd& from, FixedEnd& to, FixedEnd* starved) {
    RecordGate gate;
    const Bytes wire = from.sink.Take();
    gate.Append(wire);
    for (auto record = gate.TakeRecord(); !record.empty() && to.status.ok();
         record = gate.TakeRecord()) {
      const auto receive = [&] { return to.backend->Receive(record, to.sink); };
      if (&to == starved) {
        Starve(to, receive);
      } else {
        to.status = receive();
      }
    }
  }

  // One connection from its first byte to both detaches, starved at allocation `k` of the client's
  // or the server's. Returns whether there was that allocation.
  bool Run(bool starve_client, long k) {
    FixedEnd client{*client_context_->NewBackend(), {}, {}};
    FixedEnd server{*server_context_->NewBackend(), {}, {}};
    FixedEnd& starved = starve_client ? client : server;
    allocation_failed = false;
    left_ = k;
    for (FixedEnd* end : {&server, &client}) {
      const auto start = [&] { return end->backend->Start(end->sink); };
      end == &starved ? Starve(*end, start) : static_cast<void>(end->status = start());
    }
    for (int i = 0; i < 4; ++i) {
      Deliver(client, server, &starved);
      Deliver(server, client, &starved);
    }
    if (client.sink.done() && server.sink.done() && starved.status.ok()) {
      Detach(client, server, starved);
    }
    Check(starved, k);
    return allocation_failed;
  }

  void Detach(FixedEnd& client, FixedEnd& server, FixedEnd& starved) {
    FixedEnd& other = &starved == &client ? server : client;
    const Bytes text = Text("text");
    Starve(starved, [&] { return starved.backend->Send(text, starved.sink); });
    Deliver(starved, other, &starved);
    if (!starved.status.ok()) return;
    EXPECT_EQ(other.sink.plaintext(), text.size());
    Starve(starved, [&] { return starved.backend->SendCloseNotify(starved.sink); });
    const bool said_so = starved.status.ok();
    Deliver(starved, other, &starved);
    EXPECT_EQ(other.sink.closed(), said_so) << "a close_notify that was not sent, or one that was";
    if (other.status.ok() && said_so) other.status = other.backend->SendCloseNotify(other.sink);
    Deliver(other, starved, &starved);
  }

  // Botan takes a failed allocation for a failed check where it verifies signatures: what it says
  // then is wrong, and the handshake ends all the same.
  void Check(const FixedEnd& starved, long k) {
    if (starved.status.ok()) return;  // what was swallowed was not needed
    EXPECT_TRUE(allocation_failed) << starved.status.message();
    if (starved.status.fault() == Fault::kInternal) return;
    ++verdicts_;
    EXPECT_FALSE(starved.sink.done()) << "allocation " << k << ": " << starved.status.message();
  }

  long left_ = -1;
  long verdicts_ = 0;  // handshakes that Botan ended with a wrong reason
};

TEST_P(AllocationFailure, IsOneErrorAtEveryAllocationOfAConnection) {
  Open();
  Run(true, -1);  // whatever is made once
  for (const bool client : {true, false}) {
    long k = 0;
    verdicts_ = 0;
    while (Run(client, k) && !HasFailure()) k += kStride;
    std::printf("%s: of %ld allocations, every %ld failed, %ld with a wrong reason\n",
                client ? "client" : "server", k, kStride, verdicts_);
    EXPECT_GT(k, kHandshakeMayEndTheProcess ? 5 : 1000);
    EXPECT_LE(verdicts_, k / 5);
  }
}

INSTANTIATE_TEST_SUITE_P(Botan, AllocationFailure, testing::ValuesIn(BotanVersions()), VersionName);

}  // namespace
}  // namespace detach
