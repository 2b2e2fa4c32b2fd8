// What TLS 1.3 signs to prove a key: the content of CertificateVerify (RFC 9846 §4.4.3).
#ifndef DETACH_PROVIDER_KEEPER_CERTIFICATE_VERIFY_H_
#define DETACH_PROVIDER_KEEPER_CERTIFICATE_VERIFY_H_

#include <cstdint>
#include <optional>
#include <span>

namespace detach {

enum class TlsRole { kServer, kClient };

// CertificateVerifyRole returns whose CertificateVerify `content` is: 64 times 0x20, that role's
// context string, a zero byte, and a transcript hash, which is as long as the output of the cipher
// suite's hash: 32 or 48 bytes. Nothing for any other bytes.
std::optional<TlsRole> CertificateVerifyRole(std::span<const std::uint8_t> content) noexcept;

}  // namespace detach

#endif  // DETACH_PROVIDER_KEEPER_CERTIFICATE_VERIFY_H_
