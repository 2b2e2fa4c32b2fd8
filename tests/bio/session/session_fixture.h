// A TlsSession over a scripted backend, in TLS.
#ifndef DETACH_TESTS_BIO_SESSION_SESSION_FIXTURE_H_
#define DETACH_TESTS_BIO_SESSION_SESSION_FIXTURE_H_

#include <gtest/gtest.h>

#include <memory>
#include <string_view>
#include <utility>

#include "bio/session/tls_session.h"
#include "tests/support/scripted_backend.h"
#include "tests/support/session_driver.h"

namespace detach {

class SessionTest : public testing::Test {
 protected:
  // Upgrade gives the session a new backend, with a journal of its own.
  Status Upgrade(ScriptedBackend::Script script = {}) {
    journal_ = std::make_shared<ScriptedBackend::Journal>();
    return session_.Upgrade(std::make_unique<ScriptedBackend>(std::move(script), journal_));
  }

  // EnterTls goes through a handshake and drops what went out.
  void EnterTls(ScriptedBackend::Script script = {}) {
    ASSERT_TRUE(Upgrade(std::move(script)).ok());
    ASSERT_TRUE(Peer("done").ok());
    TakeOutput(session_);
  }

  Status Peer(std::string_view word) { return Feed(session_, ScriptedRecord(word)); }

  TlsSession session_;
  std::shared_ptr<ScriptedBackend::Journal> journal_;
};

}  // namespace detach

#endif  // DETACH_TESTS_BIO_SESSION_SESSION_FIXTURE_H_
