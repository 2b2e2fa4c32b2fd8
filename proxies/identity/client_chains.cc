#include "proxies/identity/client_chains.h"

#include <openssl/err.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>

#include <utility>

namespace detach {
namespace {

struct FreeStack {
  void operator()(STACK_OF(X509) * stack) const { sk_X509_pop_free(stack, X509_free); }
};
using StackPtr = std::unique_ptr<STACK_OF(X509), FreeStack>;
using StoreContextPtr = std::unique_ptr<X509_STORE_CTX, FreeWith<X509_STORE_CTX_free>>;

// Returns null unless every certificate parses.
StackPtr Intermediates(const std::vector<Bytes>& chain) {
  StackPtr stack(sk_X509_new_null());
  for (std::size_t i = 1; i < chain.size(); ++i) {
    X509Ptr certificate = ParseCertificate(chain[i]);
    if (!stack || !certificate || sk_X509_push(stack.get(), certificate.get()) == 0) return nullptr;
    (void)certificate.release();  // the stack's
  }
  return stack;
}

}  // namespace

Result<ClientChains> ClientChains::Create(const TlsConfig& tls) {
  ClientChains chains;
  chains.store_.reset(X509_STORE_new());
  if (!chains.store_) return Internal("X509_STORE_new" + TakeCryptoError());
  X509_STORE* const store = chains.store_.get();
  for (const Bytes& der : tls.trust_anchors) {
    const X509Ptr anchor = ParseCertificate(der);
    if (!anchor || X509_STORE_add_cert(store, anchor.get()) != 1) {
      return Misuse("a trust anchor is damaged" + TakeCryptoError());
    }
  }
  for (const Bytes& der : tls.crls) {
    const CrlPtr crl = ParseCrl(der);
    if (!crl || X509_STORE_add_crl(store, crl.get()) != 1) {
      return Misuse("a CRL is damaged" + TakeCryptoError());
    }
  }
  unsigned long flags = X509_V_FLAG_PARTIAL_CHAIN | X509_V_FLAG_NO_CHECK_TIME;
  if (tls.check_revocation) flags |= X509_V_FLAG_CRL_CHECK | X509_V_FLAG_CRL_CHECK_ALL;
  X509_STORE_set_flags(store, flags);
  return chains;
}

Status ClientChains::Check(const std::vector<Bytes>& chain) const {
  if (chain.empty()) return Incompatible("there is no certificate");
  const X509Ptr leaf = ParseCertificate(chain.front());
  const StackPtr intermediates = Intermediates(chain);
  const StoreContextPtr context(X509_STORE_CTX_new());
  if (!leaf || !intermediates || !context ||
      X509_STORE_CTX_init(context.get(), store_.get(), leaf.get(), intermediates.get()) != 1 ||
      X509_STORE_CTX_set_purpose(context.get(), X509_PURPOSE_SSL_CLIENT) != 1) {
    return Internal("the client's certificate cannot be checked again" + TakeCryptoError());
  }
  if (X509_verify_cert(context.get()) == 1) return {};
  const int error = X509_STORE_CTX_get_error(context.get());
  ERR_clear_error();
  return Incompatible(X509_verify_cert_error_string(error));
}

}  // namespace detach
