// The keeper's wire protocol: what stands in one frame. No I/O, no libcrypto.
//
// Whoever wants a signature sends a request frame and gets one reply frame. All frames have the
// same size and are canonical: a byte that means nothing is zero, or the frame is refused. One
// frame is one packet of a SOCK_SEQPACKET socket. Integers are big-endian:
//
//     0 version   1 type   2 argument (2)   4 position (4)   8 payload size (2)  10 name size (1)
//    11 zero     12 name (64)   76 key (32)   108 payload (3988)   4096 end
#ifndef DETACH_PROVIDER_KEEPER_FRAME_H_
#define DETACH_PROVIDER_KEEPER_FRAME_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "bio/status.h"

namespace detach {

inline constexpr std::size_t kFrameSize = 4096;
inline constexpr std::size_t kMaxIdentityName = 64;
inline constexpr std::size_t kMaxPayload = 3988;  // room for a certificate of RSA with 8192 bits
inline constexpr std::size_t kMaxChainSize = 64 << 10;  // of an identity, all kChain together

// KeyId is the SHA-256 of a key's SubjectPublicKeyInfo (DER).
using KeyId = std::array<std::uint8_t, 32>;
using FrameBytes = std::array<std::uint8_t, kFrameSize>;

// FrameType says what a frame asks for or answers. What each may hold is a table in frame.cc.
enum class FrameType : std::uint8_t {
  // Requests.
  kListIdentity = 1,           // argument: which, counted from 0
  kGetChain = 2,               // name; position: the first byte wanted
  kSignCertificateVerify = 3,  // name, key; argument: SignatureScheme; payload: RFC 9846 §4.4.3
  kSignTls12Digest = 4,        // name, key; argument: SignatureScheme; payload: the digest
  kIssue = 5,                  // name; argument: size of a token; payload: it, and PKCS #10 (DER)
  kListNotice = 6,             // argument: which, counted from 0
  // Replies.
  kIdentity = 129,   // name, key; argument: Purpose; position: how many identities there are;
                     // payload: where its key is, for a person (UTF-8)
  kChain = 130,      // name; position: size of all; payload: what stands from the byte wanted on
  kSignature = 131,  // name; payload
  kRefused = 132,    // argument: Refusal
  kIssued = 133,     // name; payload: the certificate (DER)
  kNotice = 134,     // position: how many notices there are; payload: this one, for a person
                     // (UTF-8), or nothing where there are not so many
};

// Purpose is what one identity is for. It signs nothing else.
enum class Purpose : std::uint16_t { kTlsServer = 1, kTlsClient = 2, kIssuing = 3 };

// Refusal is why the keeper does not do what a well-formed request asks for.
enum class Refusal : std::uint16_t {
  kUnknownIdentity = 1,
  kOtherKey = 2,             // the identity has another key by now
  kUnfitScheme = 3,          // the key cannot sign so
  kNoCertificateVerify = 4,  // the bytes are no CertificateVerify of TLS 1.3
  kOtherRole = 5,            // they are the other role's
  kTls12Off = 6,             // the identity's configuration does not allow it
  kQuota = 7,                // too many signatures in this second
  kPositionBeyondChain = 8,
  kFailed = 9,         // libcrypto or the keeper's file of spent tokens failed
  kOtherPurpose = 10,  // the identity issues, and signs no handshakes; or the other way round
  kToken = 11,         // unknown, spent or expired: which of them, the keeper's log says alone
  kCertificateRequest = 12,
};

// RefusalText returns `refusal` in words for a person.
std::string_view RefusalText(Refusal refusal) noexcept;

struct Frame {
  FrameType type = FrameType::kRefused;
  std::uint16_t argument = 0;
  std::uint32_t position = 0;
  std::string name;  // of an identity: lower-case letters, digits, and '.', '_', '-' between them
  KeyId key = {};
  std::vector<std::uint8_t> payload;

  bool operator==(const Frame&) const = default;
};

// IsIdentityName tells whether `name` is one that a frame can carry.
bool IsIdentityName(std::string_view name) noexcept;

// IsRequest tells requests from replies.
constexpr bool IsRequest(FrameType type) noexcept { return static_cast<std::uint8_t>(type) < 128; }

// EncodeFrame returns the bytes of `frame`, which holds no more than its type may.
FrameBytes EncodeFrame(const Frame& frame);

// DecodeFrame reads one frame. kViolation, with what is wrong, for anything but the bytes that
// EncodeFrame makes of some frame.
Result<Frame> DecodeFrame(std::span<const std::uint8_t> bytes);

}  // namespace detach

#endif  // DETACH_PROVIDER_KEEPER_FRAME_H_
