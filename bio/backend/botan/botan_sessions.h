// The sessions that a context remembers, so that later connections resume them.
#ifndef DETACH_BIO_BACKEND_BOTAN_BOTAN_SESSIONS_H_
#define DETACH_BIO_BACKEND_BOTAN_BOTAN_SESSIONS_H_

#include <botan/tls_session.h>
#include <botan/tls_session_manager.h>
#include <botan/version.h>

#include <cstddef>
#include <deque>
#include <map>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "bio/backend/tls_config.h"

namespace detach {

// BotanSessionMemory holds at most `capacity` sessions by their id, and forgets the oldest first.
// Thread-safe. May throw std::bad_alloc.
class BotanSessionMemory {
 public:
  explicit BotanSessionMemory(std::size_t capacity) : capacity_(capacity) {}

  struct Entry {
    Bytes id;
    Botan::TLS::Session session;
#if BOTAN_VERSION_MAJOR >= 3
    Botan::TLS::Session_Handle handle;  // `id`, and what kind of id it is
#endif
  };

  void Put(Entry entry);
  std::optional<Entry> Find(const Bytes& id) const;
  std::optional<Entry> Newest() const;
  std::size_t Remove(const Bytes& id);

 private:
  const std::size_t capacity_;
  mutable std::mutex mutex_;
  std::map<Bytes, Entry> entries_;
  std::deque<Bytes> order_;  // the ids of all entries, the oldest first; also of removed ones
};

// BotanSessions is the memory as one connection sees it. Borrows it.
class BotanSessions final : public Botan::TLS::Session_Manager {
 public:
  explicit BotanSessions(BotanSessionMemory& memory);

  // ForgetOwn forgets the sessions that this connection made or resumed: it ended badly.
  void ForgetOwn() noexcept;

#if BOTAN_VERSION_MAJOR >= 3
  void store(const Botan::TLS::Session& session, const Botan::TLS::Session_Handle& handle) override;
  std::size_t remove(const Botan::TLS::Session_Handle& handle) override;
  std::size_t remove_all() override { return 0; }

 protected:
  std::optional<Botan::TLS::Session> retrieve_one(
      const Botan::TLS::Session_Handle& handle) override;
  std::vector<Botan::TLS::Session_with_Handle> find_some(const Botan::TLS::Server_Information& info,
                                                         std::size_t max) override;
#else
  bool load_from_session_id(const std::vector<std::uint8_t>& id,
                            Botan::TLS::Session& session) override;
  bool load_from_server_info(const Botan::TLS::Server_Information& info,
                             Botan::TLS::Session& session) override;
  void remove_entry(const std::vector<std::uint8_t>& id) override { memory_.Remove(id); }
  std::size_t remove_all() override { return 0; }
  void save(const Botan::TLS::Session& session) override;
  std::chrono::seconds session_lifetime() const override;
#endif

 private:
  // Own notes that this connection uses `entry`.
  const BotanSessionMemory::Entry& Own(const BotanSessionMemory::Entry& entry);

  BotanSessionMemory& memory_;
  std::vector<Bytes> own_;
};

}  // namespace detach

#endif  // DETACH_BIO_BACKEND_BOTAN_BOTAN_SESSIONS_H_
