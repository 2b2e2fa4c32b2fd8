// The key of a Signer: what Botan needs to know of a private key that is elsewhere.
#ifndef DETACH_BIO_BACKEND_BOTAN_BOTAN_SIGNER_KEY_H_
#define DETACH_BIO_BACKEND_BOTAN_BOTAN_SIGNER_KEY_H_

#include <botan/exceptn.h>
#include <botan/pk_keys.h>
#include <botan/version.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace detach {

// BotanSignerKey says what its public key says, and has no private one: the channel's owner signs
// (BotanChannel::Owner::Sign).
class BotanSignerKey final : public Botan::Private_Key {
 public:
  explicit BotanSignerKey(std::unique_ptr<Botan::Public_Key> key) : key_(std::move(key)) {}

  std::string algo_name() const override { return key_->algo_name(); }
  std::size_t estimated_strength() const override { return key_->estimated_strength(); }
  std::size_t key_length() const override { return key_->key_length(); }
  Botan::AlgorithmIdentifier algorithm_identifier() const override {
    return key_->algorithm_identifier();
  }
  std::vector<std::uint8_t> public_key_bits() const override { return key_->public_key_bits(); }
  bool check_key(Botan::RandomNumberGenerator& rng, bool strong) const override {
    return key_->check_key(rng, strong);
  }
  Botan::secure_vector<std::uint8_t> private_key_bits() const override { throw Elsewhere(); }

#if BOTAN_VERSION_MAJOR >= 3
  Botan::OID object_identifier() const override { return key_->object_identifier(); }
  bool supports_operation(Botan::PublicKeyOperation operation) const override {
    return operation == Botan::PublicKeyOperation::Signature;
  }
  std::vector<std::uint8_t> raw_public_key_bits() const override {
    return key_->raw_public_key_bits();
  }
  std::unique_ptr<Botan::Public_Key> public_key() const override { throw Elsewhere(); }
  std::unique_ptr<Botan::Private_Key> generate_another(
      Botan::RandomNumberGenerator& /*rng*/) const override {
    throw Elsewhere();
  }
#else
  Botan::OID get_oid() const override { return key_->get_oid(); }
#endif

 private:
  static Botan::Invalid_State Elsewhere() {
    return Botan::Invalid_State("the private key is elsewhere");
  }

  std::unique_ptr<Botan::Public_Key> key_;
};

}  // namespace detach

#endif  // DETACH_BIO_BACKEND_BOTAN_BOTAN_SIGNER_KEY_H_
