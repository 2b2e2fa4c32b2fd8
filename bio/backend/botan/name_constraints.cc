#include "bio/backend/botan/name_constraints.h"

#include <botan/asn1_obj.h>
#include <botan/ber_dec.h>
#include <botan/x509_ext.h>

#include <cstdint>
#include <vector>

namespace detach {
namespace {

// GeneralName, RFC 5280 §4.2.1.6: the context-specific tags.
constexpr std::uint32_t kDnsName = 2;
constexpr std::uint32_t kDirectoryName = 4;

// `subtrees` holds GeneralSubtrees, each of which begins with a GeneralName.
bool AllJudged(const Botan::BER_Object& subtrees) {
  Botan::BER_Decoder decoder(subtrees.bits(), subtrees.length());
  while (decoder.more_items()) {
    const Botan::BER_Object subtree = decoder.get_next_object();
    const Botan::BER_Object base =
        Botan::BER_Decoder(subtree.bits(), subtree.length()).get_next_object();
    const auto form = static_cast<std::uint32_t>(base.type());
    if (form != kDnsName && form != kDirectoryName) return false;
  }
  return true;
}

}  // namespace

bool ConstrainsUnjudgedNames(const Botan::X509_Certificate& authority) {
  const Botan::OID name_constraints("2.5.29.30");
  if (!authority.v3_extensions().extension_set(name_constraints)) return false;
  const std::vector<std::uint8_t> der =
      authority.v3_extensions().get_extension_bits(name_constraints);
  const Botan::BER_Object both = Botan::BER_Decoder(der).get_next_object();
  Botan::BER_Decoder permitted_and_excluded(both.bits(), both.length());
  while (permitted_and_excluded.more_items()) {
    if (!AllJudged(permitted_and_excluded.get_next_object())) return true;
  }
  return false;
}

}  // namespace detach
