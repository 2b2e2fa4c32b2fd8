#include "provider/keeper/frame.h"

#include <algorithm>
#include <cassert>
#include <tuple>

namespace detach {
namespace {

constexpr std::uint8_t kVersion = 1;
constexpr std::size_t kNameAt = 12;
constexpr std::size_t kKeyAt = kNameAt + kMaxIdentityName;
constexpr std::size_t kPayloadAt = kKeyAt + std::tuple_size_v<KeyId>;
static_assert(kPayloadAt + kMaxPayload == kFrameSize);

// What a frame may hold. A field that is not among them is zero.
struct Layout {
  FrameType type;
  bool argument;
  bool position;
  bool name;
  bool key;
  std::size_t min_payload;
  std::size_t max_payload;
};

// 64 spaces, the context of RFC 9846 §4.4.3, a zero, and a hash by SHA-256 or SHA-384.
constexpr std::size_t kMinContent = 64 + 33 + 1 + 32;
constexpr std::size_t kMaxContent = 64 + 33 + 1 + 48;

constexpr Layout kLayouts[] = {
    {FrameType::kListIdentity, true, false, false, false, 0, 0},
    {FrameType::kGetChain, false, true, true, false, 0, 0},
    {FrameType::kSignCertificateVerify, true, false, true, true, kMinContent, kMaxContent},
    {FrameType::kSignTls12Digest, true, false, true, true, 32, 64},
    {FrameType::kIssue, true, false, true, false, 1, kMaxPayload},
    {FrameType::kListNotice, true, false, false, false, 0, 0},
    {FrameType::kIdentity, true, true, true, true, 1, kMaxPayload},
    {FrameType::kChain, false, true, true, false, 1, kMaxPayload},
    {FrameType::kSignature, false, false, true, false, 1, kMaxPayload},
    {FrameType::kRefused, true, false, false, false, 0, 0},
    {FrameType::kIssued, false, false, true, false, 1, kMaxPayload},
    {FrameType::kNotice, false, true, false, false, 0, kMaxPayload},
};

const Layout* FindLayout(std::uint8_t type) {
  const auto* row = std::find_if(std::begin(kLayouts), std::end(kLayouts), [&](const Layout& l) {
    return static_cast<std::uint8_t>(l.type) == type;
  });
  return row != std::end(kLayouts) ? row : nullptr;
}

bool IsNameByte(char byte, bool inside) {
  const bool word = (byte >= 'a' && byte <= 'z') || (byte >= '0' && byte <= '9');
  return word || (inside && (byte == '.' || byte == '_' || byte == '-'));
}

std::uint32_t ReadNumber(std::span<const std::uint8_t> bytes) {
  std::uint32_t number = 0;
  for (const std::uint8_t byte : bytes) number = number << 8 | byte;
  return number;
}

void WriteNumber(std::uint32_t number, std::span<std::uint8_t> bytes) {
  for (std::size_t i = bytes.size(); i-- > 0; number >>= 8) {
    bytes[i] = static_cast<std::uint8_t>(number);
  }
}

// Problem returns what `frame` holds that its type may not; nothing where there is no such thing.
std::string_view Problem(const Layout& layout, const Frame& frame) {
  if (!layout.argument && frame.argument != 0) return "an argument where none belongs";
  if (!layout.position && frame.position != 0) return "a position where none belongs";
  if (!layout.key && frame.key != KeyId{}) return "a key where none belongs";
  if (layout.name != !frame.name.empty()) return "a name too many, or too few";
  if (layout.name && !IsIdentityName(frame.name)) return "a name that none can have";
  if (frame.payload.size() < layout.min_payload) return "too short a payload";
  if (frame.payload.size() > layout.max_payload) return "too long a payload";
  return {};
}

Status Malformed(std::string_view problem) {
  return Violation("keeper protocol: " + std::string(problem));
}

}  // namespace

std::string_view RefusalText(Refusal refusal) noexcept {
  switch (refusal) {
    case Refusal::kUnknownIdentity:
      return "it has no such identity";
    case Refusal::kOtherKey:
      return "the identity has another key by now; load it again";
    case Refusal::kUnfitScheme:
      return "the key does not sign by that scheme";
    case Refusal::kNoCertificateVerify:
      return "the bytes to be signed are no CertificateVerify of TLS 1.3";
    case Refusal::kOtherRole:
      return "the identity is for the other role in TLS";
    case Refusal::kTls12Off:
      return "the identity signs for TLS 1.3 only (unsafe_tls12 is off)";
    case Refusal::kQuota:
      return "the identity has signed too often in this second (signatures_per_second)";
    case Refusal::kPositionBeyondChain:
      return "the position is behind the chain's end";
    case Refusal::kFailed:
      return "it failed; its log says why";
    case Refusal::kOtherPurpose:
      return "the identity is for something else";
    case Refusal::kToken:
      return "the token is not good, or not any more";
    case Refusal::kCertificateRequest:
      return "the certificate request is not one that it takes; its log says why";
  }
  return "for a reason of a later version";
}

bool IsIdentityName(std::string_view name) noexcept {
  if (name.empty() || name.size() > kMaxIdentityName) return false;
  if (!IsNameByte(name.front(), false) || !IsNameByte(name.back(), false)) return false;
  return std::all_of(name.begin(), name.end(), [](char byte) { return IsNameByte(byte, true); });
}

FrameBytes EncodeFrame(const Frame& frame) {
  assert(Problem(*FindLayout(static_cast<std::uint8_t>(frame.type)), frame).empty());
  FrameBytes bytes = {};
  const std::span all(bytes);
  bytes[0] = kVersion;
  bytes[1] = static_cast<std::uint8_t>(frame.type);
  WriteNumber(frame.argument, all.subspan(2, 2));
  WriteNumber(frame.position, all.subspan(4, 4));
  WriteNumber(static_cast<std::uint32_t>(frame.payload.size()), all.subspan(8, 2));
  bytes[10] = static_cast<std::uint8_t>(frame.name.size());
  std::copy(frame.name.begin(), frame.name.end(), bytes.begin() + kNameAt);
  std::copy(frame.key.begin(), frame.key.end(), bytes.begin() + kKeyAt);
  std::copy(frame.payload.begin(), frame.payload.end(), bytes.begin() + kPayloadAt);
  return bytes;
}

Result<Frame> DecodeFrame(std::span<const std::uint8_t> bytes) {
  if (bytes.size() != kFrameSize) return Malformed("a frame of another size");
  if (bytes[0] != kVersion) return Malformed("a frame of another version");
  const Layout* layout = FindLayout(bytes[1]);
  if (layout == nullptr) return Malformed("a frame of no known type");
  const std::size_t payload_size = ReadNumber(bytes.subspan(8, 2));
  const std::size_t name_size = bytes[10];
  if (payload_size > kMaxPayload || name_size > kMaxIdentityName) {
    return Malformed("a field that is larger than the frame");
  }
  Frame frame;
  frame.type = layout->type;
  frame.argument = static_cast<std::uint16_t>(ReadNumber(bytes.subspan(2, 2)));
  frame.position = ReadNumber(bytes.subspan(4, 4));
  const auto name = bytes.subspan(kNameAt, name_size);
  frame.name.assign(name.begin(), name.end());
  std::copy_n(bytes.begin() + kKeyAt, frame.key.size(), frame.key.begin());
  const auto payload = bytes.subspan(kPayloadAt, payload_size);
  frame.payload.assign(payload.begin(), payload.end());
  if (const std::string_view problem = Problem(*layout, frame); !problem.empty()) {
    return Malformed(problem);
  }
  // What encodes to other bytes has some where nothing may be.
  const FrameBytes canonical = EncodeFrame(frame);
  if (!std::equal(bytes.begin(), bytes.end(), canonical.begin())) {
    return Malformed("bytes that mean nothing");
  }
  return frame;
}

}  // namespace detach
