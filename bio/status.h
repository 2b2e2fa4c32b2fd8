// How every call of this library reports failure: by whose fault it was.
#ifndef DETACH_BIO_STATUS_H_
#define DETACH_BIO_STATUS_H_

#include <cassert>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

namespace detach {

// Fault says who has to change something for the call to succeed.
enum class Fault {
  kNone,          // success
  kViolation,     // the peer broke the protocol, or somebody on the path did
  kIncompatible,  // both ends are correct and found no common ground (version, suite, certificate)
  kTransport,     // the connection below failed (reset, refused, timed out)
  kTruncated,     // the transport ended where a close_notify was due
  kMisuse,        // the caller broke the contract of this library
  kInternal,      // this library or one below it failed (out of memory among others)
};

// FaultName returns the lower-case word for `fault` that logs and messages use.
constexpr std::string_view FaultName(Fault fault) noexcept {
  switch (fault) {
    case Fault::kNone:
      return "ok";
    case Fault::kViolation:
      return "violation";
    case Fault::kIncompatible:
      return "incompatible";
    case Fault::kTransport:
      return "transport";
    case Fault::kTruncated:
      return "truncated";
    case Fault::kMisuse:
      return "misuse";
    case Fault::kInternal:
      return "internal";
  }
  return "internal";
}

// Status is success, or a fault with a message for a person: what was wrong, where, what to do.
class [[nodiscard]] Status {
 public:
  Status() = default;
  Status(Fault fault, std::string message) : fault_(fault), message_(std::move(message)) {
    assert(fault != Fault::kNone);
  }

  bool ok() const noexcept { return fault_ == Fault::kNone; }
  Fault fault() const noexcept { return fault_; }
  const std::string& message() const& noexcept { return message_; }
  // By value of what is about to go: `const std::string& text = call().message()` stays alive.
  std::string message() && { return std::move(message_); }

 private:
  Fault fault_ = Fault::kNone;
  std::string message_;
};

inline Status Violation(std::string message) { return {Fault::kViolation, std::move(message)}; }
inline Status Incompatible(std::string message) {
  return {Fault::kIncompatible, std::move(message)};
}
inline Status Transport(std::string message) { return {Fault::kTransport, std::move(message)}; }
inline Status Truncated(std::string message) { return {Fault::kTruncated, std::move(message)}; }
inline Status Misuse(std::string message) { return {Fault::kMisuse, std::move(message)}; }
inline Status Internal(std::string message) { return {Fault::kInternal, std::move(message)}; }

// Result<T> is a T, or the Status that says why there is none.
template <typename T>
class [[nodiscard]] Result {
 public:
  Result(T value) : value_(std::move(value)) {}        // NOLINT(google-explicit-constructor)
  Result(Status status) : value_(std::move(status)) {  // NOLINT(google-explicit-constructor)
    assert(!std::get<Status>(value_).ok());
  }

  bool ok() const noexcept { return std::holds_alternative<T>(value_); }

  // status is success when there is a value.
  Status status() const { return ok() ? Status() : std::get<Status>(value_); }

  // Precondition of the accessors: ok().
  T& operator*() & { return std::get<T>(value_); }
  const T& operator*() const& { return std::get<T>(value_); }
  T&& operator*() && { return std::get<T>(std::move(value_)); }
  T* operator->() { return &std::get<T>(value_); }
  const T* operator->() const { return &std::get<T>(value_); }

 private:
  std::variant<T, Status> value_;
};

}  // namespace detach

#endif  // DETACH_BIO_STATUS_H_
