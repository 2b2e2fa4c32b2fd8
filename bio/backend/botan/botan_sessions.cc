#include "bio/backend/botan/botan_sessions.h"

#include <chrono>
#include <utility>

#if BOTAN_VERSION_MAJOR >= 3
#include <botan/system_rng.h>
#endif

namespace detach {

void BotanSessionMemory::Put(Entry entry) {
  if (capacity_ == 0) return;
  const std::lock_guard lock(mutex_);
  order_.push_back(entry.id);
  Bytes id = entry.id;
  entries_.insert_or_assign(std::move(id), std::move(entry));
  while (order_.size() > capacity_) {
    entries_.erase(order_.front());
    order_.pop_front();
  }
}

std::optional<BotanSessionMemory::Entry> BotanSessionMemory::Find(const Bytes& id) const {
  const std::lock_guard lock(mutex_);
  const auto found = entries_.find(id);
  if (found == entries_.end()) return std::nullopt;
  return found->second;
}

std::optional<BotanSessionMemory::Entry> BotanSessionMemory::Newest() const {
  const std::lock_guard lock(mutex_);
  if (order_.empty()) return std::nullopt;
  const auto found = entries_.find(order_.back());
  if (found == entries_.end()) return std::nullopt;
  return found->second;
}

std::size_t BotanSessionMemory::Remove(const Bytes& id) {
  const std::lock_guard lock(mutex_);
  return entries_.erase(id);
}

const BotanSessionMemory::Entry& BotanSessions::Own(const BotanSessionMemory::Entry& entry) {
  own_.push_back(entry.id);
  return entry;
}

void BotanSessions::ForgetOwn() noexcept {
  for (const Bytes& id : own_) memory_.Remove(id);
}

#if BOTAN_VERSION_MAJOR >= 3

namespace {

Bytes IdOf(const Botan::TLS::Session_Handle& handle) { return handle.opaque_handle().get(); }

}  // namespace

BotanSessions::BotanSessions(BotanSessionMemory& memory)
    : Session_Manager(std::make_shared<Botan::System_RNG>()), memory_(memory) {}

void BotanSessions::store(const Botan::TLS::Session& session,
                          const Botan::TLS::Session_Handle& handle) {
  memory_.Put(Own({IdOf(handle), session, handle}));
}

std::size_t BotanSessions::remove(const Botan::TLS::Session_Handle& handle) {
  return memory_.Remove(IdOf(handle));
}

std::optional<Botan::TLS::Session> BotanSessions::retrieve_one(
    const Botan::TLS::Session_Handle& handle) {
  const auto found = memory_.Find(IdOf(handle));
  if (!found) return std::nullopt;
  return Own(*found).session;
}

std::vector<Botan::TLS::Session_with_Handle> BotanSessions::find_some(
    const Botan::TLS::Server_Information& /*info*/, std::size_t /*max*/) {
  const auto newest = memory_.Newest();
  if (!newest) return {};
  return {{Own(*newest).session, newest->handle}};
}

#else

namespace {

// RFC 5246 §F.1.4 suggests at most a day.
constexpr std::chrono::hours kLifetime(2);

}  // namespace

BotanSessions::BotanSessions(BotanSessionMemory& memory) : memory_(memory) {}

bool BotanSessions::load_from_session_id(const std::vector<std::uint8_t>& id,
                                         Botan::TLS::Session& session) {
  const auto found = memory_.Find(id);
  if (!found || found->session.session_age() > kLifetime) return false;
  session = Own(*found).session;
  return true;
}

bool BotanSessions::load_from_server_info(const Botan::TLS::Server_Information& /*info*/,
                                          Botan::TLS::Session& session) {
  const auto newest = memory_.Newest();
  if (!newest || newest->session.session_age() > kLifetime) return false;
  session = Own(*newest).session;
  return true;
}

void BotanSessions::save(const Botan::TLS::Session& session) {
  memory_.Put(Own({session.session_id(), session}));
}

std::chrono::seconds BotanSessions::session_lifetime() const { return kLifetime; }

#endif

}  // namespace detach
