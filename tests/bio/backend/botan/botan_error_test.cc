// Whatever is thrown, by Botan, by a callback or by the library below, becomes one Status.
#include "bio/backend/botan/botan_error.h"

#include <botan/exceptn.h>
#include <botan/tls_exceptn.h>
#include <gtest/gtest.h>

#include <functional>
#include <new>
#include <stdexcept>
#include <string>
#include <vector>

#include "tests/bio/backend/botan/botan_fixture.h"

namespace detach {
namespace {

struct Thrown {
  std::function<void()> raise;
  Fault while_reading;
  Fault otherwise;
};

[[noreturn]] void RaiseAlert(int alert) {
  throw Botan::TLS::TLS_Exception(static_cast<Botan::TLS::Alert::Type>(alert), "why");
}

std::vector<Thrown> EveryClass() {
  using enum Fault;
  return {
      {[] { RaiseAlert(10); }, kViolation, kViolation},         // unexpected_message
      {[] { RaiseAlert(40); }, kIncompatible, kIncompatible},   // handshake_failure
      {[] { RaiseAlert(51); }, kViolation, kViolation},         // decrypt_error
      {[] { RaiseAlert(70); }, kIncompatible, kIncompatible},   // protocol_version
      {[] { RaiseAlert(80); }, kInternal, kInternal},           // internal_error
      {[] { RaiseAlert(116); }, kIncompatible, kIncompatible},  // certificate_required
      {[] { throw Botan::Decoding_Error("x"); }, kViolation, kInternal},
      {[] { throw Botan::Invalid_Authentication_Tag("x"); }, kViolation, kInternal},
      {[] { throw Botan::Invalid_State("x"); }, kViolation, kInternal},
      {[] { throw Botan::Not_Implemented("x"); }, kViolation, kInternal},
      {[] { throw Botan::System_Error("x"); }, kInternal, kInternal},
      {[] { throw Botan::Decoding_Error("failed with std::bad_alloc"); }, kInternal, kInternal},
      {[] { throw std::bad_alloc(); }, kInternal, kInternal},
      {[] { throw std::length_error("x"); }, kInternal, kInternal},
      {[] { throw 42; }, kInternal, kInternal},
  };
}

Status StatusOf(const Thrown& thrown, bool reading) {
  try {
    thrown.raise();
  } catch (...) {
    return CurrentBotanException(reading);
  }
  return {};
}

TEST(BotanErrorTest, GivesEveryClassOfExceptionToWhoseFaultItWas) {
  int number = 0;
  for (const Thrown& thrown : EveryClass()) {
    EXPECT_EQ(StatusOf(thrown, true).fault(), thrown.while_reading) << "number " << number;
    EXPECT_EQ(StatusOf(thrown, false).fault(), thrown.otherwise) << "number " << number;
    EXPECT_FALSE(StatusOf(thrown, true).message().empty());
    ++number;
  }
}

class ThrowingChooser : public BotanTest {};

TEST_P(ThrowingChooser, IsOurOwnFailureAndThePeerIsTold) {
  for (const Thrown& thrown : EveryClass()) {
    client_config_.choose_identity = [&thrown](const auto&) -> std::shared_ptr<const Identity> {
      thrown.raise();
      return nullptr;
    };
    Open();
    Exchange();
    EXPECT_EQ(client_.status.fault(), thrown.otherwise) << client_.status.message();
    EXPECT_EQ(client_.sink.handshakes_done + server_.sink.handshakes_done, 0);
    EXPECT_EQ(server_.backend->peer_alert(), 80) << "internal_error";
  }
}

TEST_P(ThrowingChooser, OfAnIdentityThatBotanCannotUseSaysSo) {
  client_config_.choose_identity = [](const auto&) {
    return std::make_shared<const Identity>(Identity{Pki().client.chain, StoreUri{"identity:a"}});
  };
  Open();
  Exchange();
  EXPECT_EQ(client_.status.fault(), Fault::kIncompatible);
  EXPECT_NE(client_.status.message().find("Signer"), std::string::npos);
}

INSTANTIATE_TEST_SUITE_P(Botan, ThrowingChooser, testing::ValuesIn(BotanVersions()), VersionName);

}  // namespace
}  // namespace detach
