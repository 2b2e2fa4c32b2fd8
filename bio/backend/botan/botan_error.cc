#include "bio/backend/botan/botan_error.h"

#include <botan/exceptn.h>
#include <botan/tls_exceptn.h>

#include <algorithm>
#include <array>
#include <exception>
#include <new>
#include <string>
#include <string_view>

#include "bio/backend/tls_alert.h"

namespace detach {
namespace {

// Alerts with which Botan says that the two ends do not fit, or that it does not believe a
// certificate (RFC 9846 §6.2).
constexpr std::array kIncompatibleAlerts = {alert::kHandshakeFailure,
                                            alert::kBadCertificate,
                                            alert::kUnsupportedCertificate,
                                            alert::kCertificateRevoked,
                                            alert::kCertificateExpired,
                                            alert::kCertificateUnknown,
                                            alert::kUnknownCa,
                                            alert::kAccessDenied,
                                            alert::kProtocolVersion,
                                            alert::kInsufficientSecurity,
                                            alert::kInappropriateFallback,
                                            alert::kCertificateRequired,
                                            alert::kNoApplicationProtocol};

Status OfAlert(const Botan::TLS::TLS_Exception& error) {
  const int description = static_cast<int>(error.type());
  const std::string message = std::string("TLS: ") + error.what();
  if (description == alert::kInternalError) return Internal(message);
  const bool incompatible = std::ranges::count(kIncompatibleAlerts, description) > 0;
  return {incompatible ? Fault::kIncompatible : Fault::kViolation, message};
}

// Botan passes std::bad_alloc on as an exception of its own in places, with that as its text.
bool IsOutOfMemory(const Botan::Exception& error) {
  return std::string_view(error.what()).find(std::bad_alloc().what()) != std::string_view::npos;
}

Status OfBotan(const Botan::Exception& error, bool reading) {
  if (IsOutOfMemory(error)) return Internal("out of memory");
  if (const auto* tls = dynamic_cast<const Botan::TLS::TLS_Exception*>(&error)) {
    return OfAlert(*tls);
  }
  const bool ours = error.error_type() == Botan::ErrorType::OutOfMemory ||
                    error.error_type() == Botan::ErrorType::SystemError;
  return {reading && !ours ? Fault::kViolation : Fault::kInternal,
          std::string("Botan: ") + error.what()};
}

Status Rethrown(bool reading) {
  try {
    throw;
  } catch (const Botan::Exception& error) {
    return OfBotan(error, reading);
  } catch (const std::bad_alloc&) {
    return Internal("out of memory");
  } catch (const std::exception& error) {
    return Internal(std::string("Botan: ") + error.what());
  } catch (...) {
    return Internal("unknown error");
  }
}

}  // namespace

Status CurrentBotanException(bool reading) noexcept {
  try {
    return Rethrown(reading);
  } catch (...) {
    return Internal("out of memory");  // short: in the string itself
  }
}

}  // namespace detach
