#include "bio/backend/botan/reference_identity.h"

#include <arpa/inet.h>
#include <botan/asn1_obj.h>
#include <botan/ber_dec.h>
#include <botan/x509_ext.h>

#include <algorithm>
#include <span>
#include <string_view>

namespace detach {
namespace {

// GeneralName, RFC 5280 §4.2.1.6: the context-specific tags.
constexpr std::uint32_t kDnsName = 2;
constexpr std::uint32_t kIpAddress = 7;
constexpr std::uint32_t kContextSpecific = 0x80;

std::string_view WithoutFinalDot(std::string_view name) {
  if (name.ends_with('.')) name.remove_suffix(1);
  return name;
}

bool SameName(std::string_view a, std::string_view b) {
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c; };
  return std::ranges::equal(a, b, {}, lower, lower);
}

// RFC 9525 §6.3. As for OpenSSL, nobody stands for all names of a top-level domain.
bool MatchesDns(std::string_view pattern, std::string_view name) {
  name = WithoutFinalDot(name);
  if (!pattern.starts_with("*.")) return SameName(pattern, name);
  if (pattern.find('.', 2) == std::string_view::npos) return false;
  const std::size_t dot = name.find('.');
  return dot != std::string_view::npos && dot > 0 && SameName(pattern.substr(1), name.substr(dot));
}

}  // namespace

Bytes AddressBytes(const std::string& name) {
  Bytes address(16);
  if (inet_pton(AF_INET6, name.c_str(), address.data()) == 1) return address;
  address.resize(4);
  if (inet_pton(AF_INET, name.c_str(), address.data()) == 1) return address;
  return {};
}

bool MatchesReferenceIdentity(const Botan::X509_Certificate& certificate,
                              const std::string& reference) {
  const Botan::OID subject_alt_name("2.5.29.17");
  if (!certificate.v3_extensions().extension_set(subject_alt_name)) return false;
  const std::vector<std::uint8_t> der =
      certificate.v3_extensions().get_extension_bits(subject_alt_name);
  const Bytes address = AddressBytes(reference);
  const Botan::BER_Object sequence = Botan::BER_Decoder(der).get_next_object();
  Botan::BER_Decoder names(sequence.bits(), sequence.length());
  while (names.more_items()) {
    const Botan::BER_Object name = names.get_next_object();
    if (static_cast<std::uint32_t>(name.get_class()) != kContextSpecific) continue;
    const auto type = static_cast<std::uint32_t>(name.type());
    const std::string_view value(reinterpret_cast<const char*>(name.bits()), name.length());
    if (type == kDnsName && address.empty() && MatchesDns(value, reference)) return true;
    const std::span<const std::uint8_t> octets(name.bits(), name.length());
    if (type == kIpAddress && !address.empty() && std::ranges::equal(octets, address)) return true;
  }
  return false;
}

}  // namespace detach
