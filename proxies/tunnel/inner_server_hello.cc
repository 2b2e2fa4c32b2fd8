#include "proxies/tunnel/inner_server_hello.h"

#include <algorithm>
#include <array>
#include <iterator>

namespace detach {
namespace {

constexpr std::uint16_t kTls12Version = 0x0303;
constexpr std::uint16_t kTls13Version = 0x0304;
constexpr std::uint16_t kSupportedVersions = 43;
constexpr std::size_t kMaxSessionId = 32;

// RFC 9846 §4.1.3: the SHA-256 of "HelloRetryRequest".
constexpr std::array<std::uint8_t, 32> kRetryRandom = {
    0xCF, 0x21, 0xAD, 0x74, 0xE5, 0x9A, 0x61, 0x11, 0xBE, 0x1D, 0x8C, 0x02, 0x1E, 0x65, 0xB8, 0x91,
    0xC2, 0xA2, 0x11, 0x16, 0x7A, 0xBB, 0x8C, 0x5E, 0x07, 0x9E, 0x09, 0xE2, 0xC8, 0xA8, 0x33, 0x9C};

// AEAD, so that nothing of a record but its header is in clear or can be changed; ephemeral
// (EC)DHE, so that the raw phase keeps its secrecy after the destination's key is stolen, without
// anybody having to argue with the cover (static RSA would lean on it: RFC 9325 §4.1 forbids it
// anyway); a certificate, so no PSK and no anonymous suites; a full-length tag, so no CCM_8.
constexpr std::uint16_t kTls12Suites[] = {
    0x009E,  // TLS_DHE_RSA_WITH_AES_128_GCM_SHA256
    0x009F,  // TLS_DHE_RSA_WITH_AES_256_GCM_SHA384
    0xC02B,  // TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256
    0xC02C,  // TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384
    0xC02F,  // TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256
    0xC030,  // TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384
    0xC09E,  // TLS_DHE_RSA_WITH_AES_128_CCM
    0xC09F,  // TLS_DHE_RSA_WITH_AES_256_CCM
    0xC0AC,  // TLS_ECDHE_ECDSA_WITH_AES_128_CCM
    0xC0AD,  // TLS_ECDHE_ECDSA_WITH_AES_256_CCM
    0xCCA8,  // TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256
    0xCCA9,  // TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256
    0xCCAA,  // TLS_DHE_RSA_WITH_CHACHA20_POLY1305_SHA256
};

// Takes big-endian numbers and vectors off the front; the first that is not there makes it !ok().
class Reader {
 public:
  explicit Reader(std::span<const std::uint8_t> bytes) : rest_(bytes) {}

  std::span<const std::uint8_t> Take(std::size_t size) noexcept {
    if (size > rest_.size()) {
      ok_ = false;
      size = 0;
      rest_ = {};
    }
    const auto taken = rest_.first(size);
    rest_ = rest_.subspan(size);
    return taken;
  }

  std::uint16_t TakeNumber(std::size_t size) noexcept {
    std::uint16_t number = 0;
    for (const std::uint8_t byte : Take(size)) {
      number = static_cast<std::uint16_t>(number << 8 | byte);
    }
    return number;
  }

  bool ok() const noexcept { return ok_; }
  bool empty() const noexcept { return rest_.empty(); }

 private:
  std::span<const std::uint8_t> rest_;
  bool ok_ = true;
};

struct Extensions {
  bool well_formed = true;
  std::optional<std::uint16_t> selected_version;
};

Extensions ReadExtensions(Reader reader) noexcept {
  Extensions extensions;
  while (!reader.empty() && extensions.well_formed) {
    const std::uint16_t type = reader.TakeNumber(2);
    Reader value(reader.Take(reader.TakeNumber(2)));
    if (type == kSupportedVersions) {
      // RFC 9846 §4.2: "There MUST NOT be more than one extension of the same type".
      extensions.well_formed = !extensions.selected_version;
      extensions.selected_version = value.TakeNumber(2);
      extensions.well_formed &= value.ok() && value.empty();
    }
    extensions.well_formed &= reader.ok();
  }
  return extensions;
}

ServerChoice Choose(std::optional<std::uint16_t> selected_version, std::uint16_t suite) noexcept {
  if (!selected_version) {
    return StandsAloneInTls12(suite) ? ServerChoice::kTls12 : ServerChoice::kStaysCovered;
  }
  const bool tls13 = selected_version == kTls13Version;
  return tls13 && StandsAloneInTls13(suite) ? ServerChoice::kTls13 : ServerChoice::kStaysCovered;
}

}  // namespace

bool StandsAloneInTls13(std::uint16_t suite) noexcept { return suite >= 0x1301 && suite <= 0x1305; }

bool StandsAloneInTls12(std::uint16_t suite) noexcept {
  return std::find(std::begin(kTls12Suites), std::end(kTls12Suites), suite) !=
         std::end(kTls12Suites);
}

std::optional<ServerChoice> ReadServerHello(std::span<const std::uint8_t> body) noexcept {
  Reader reader(body);
  const std::uint16_t legacy_version = reader.TakeNumber(2);
  const auto random = reader.Take(kRetryRandom.size());
  const std::uint16_t session_id_size = reader.TakeNumber(1);
  reader.Take(session_id_size);
  const std::uint16_t suite = reader.TakeNumber(2);
  const std::uint16_t compression = reader.TakeNumber(1);
  if (!reader.ok() || session_id_size > kMaxSessionId) return std::nullopt;

  // RFC 5246 §7.4.1.3: the extensions may be missing altogether.
  Extensions extensions;
  if (!reader.empty()) extensions = ReadExtensions(Reader(reader.Take(reader.TakeNumber(2))));
  if (!reader.ok() || !reader.empty() || !extensions.well_formed) return std::nullopt;

  if (std::equal(random.begin(), random.end(), kRetryRandom.begin())) return ServerChoice::kRetry;
  if (legacy_version != kTls12Version || compression != 0) return ServerChoice::kStaysCovered;
  return Choose(extensions.selected_version, suite);
}

}  // namespace detach
