// What a TLS backend is told before a handshake and tells after it: values, without any TLS
// library.
#ifndef DETACH_BIO_BACKEND_TLS_CONFIG_H_
#define DETACH_BIO_BACKEND_TLS_CONFIG_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include "bio/status.h"

namespace detach {

using Bytes = std::vector<std::uint8_t>;

enum class Role { kClient, kServer };
enum class TlsVersion : std::uint16_t { kTls12 = 0x0303, kTls13 = 0x0304 };

// The three forms a private key comes in. Not every backend takes every form; one that does not
// refuses the configuration (kIncompatible).
struct Pkcs8Key {
  Bytes der;  // PKCS#8 PrivateKeyInfo, not encrypted (RFC 5958)
};
struct StoreUri {
  std::string uri;  // answered by an OSSL_STORE of the process's own OpenSSL providers
};
// Signer signs `message` with `signature_scheme` (RFC 9846 §4.2.3). May block its thread; called on
// any thread that drives a connection.
using Signer = std::function<Result<Bytes>(std::uint16_t signature_scheme,
                                           std::span<const std::uint8_t> message)>;

// Identity is what one side proves: a certificate chain and its private key.
struct Identity {
  std::vector<Bytes> chain;  // X.509 DER, the leaf first
  std::variant<Pkcs8Key, StoreUri, Signer> key;
};

// CertificateRequest is what a server says about the client certificates that it takes (RFC 9846
// §4.3.2).
struct CertificateRequest {
  TlsVersion version = TlsVersion::kTls13;       // that was negotiated
  std::vector<Bytes> authorities;                // DER distinguished names; empty: any
  std::vector<std::uint16_t> signature_schemes;  // in the server's order
};

// IdentityChooser returns the identity to answer `request` with, or null for none. Called on the
// thread that drives the handshake.
using IdentityChooser =
    std::function<std::shared_ptr<const Identity>(const CertificateRequest& request)>;

enum class PeerCertificate {
  kNotRequested,  // servers only
  kOptional,      // servers only: one that is sent must verify
  kRequired,
};

struct TlsConfig {
  Role role = Role::kClient;
  TlsVersion min_version = TlsVersion::kTls13;
  TlsVersion max_version = TlsVersion::kTls13;

  // A server's identity is required. A client has one of the two or none; the chooser wins.
  std::shared_ptr<const Identity> identity;
  IdentityChooser choose_identity;

  PeerCertificate peer_certificate = PeerCertificate::kRequired;
  std::vector<Bytes> trust_anchors;  // X.509 DER; a server sends their names in its request
  std::vector<Bytes> crls;           // DER
  bool check_revocation = false;     // every certificate of the chain needs a current CRL
  // Clients: the name or address literal that the server's certificate must be for (RFC 9525), and
  // for a name the SNI.
  std::string reference_identity;
  // SHA-256 of the peer's SubjectPublicKeyInfo DER (32 bytes). Where set, it alone decides: neither
  // path nor name are checked.
  std::optional<Bytes> pinned_spki_sha256;
  bool dangerous_accept_any_peer = false;

  // Protocol names in order of preference (RFC 7301). Where both ends have some, one must be
  // common.
  std::vector<std::string> alpn;

  // Whether sessions are resumed. A server keeps their state in memory (no stateless tickets), a
  // client the newest session of this context. A resumed session repeats no check of the peer's
  // certificate: who needs dates and CRLs to hold checks Summary().peer_chain again.
  bool resumption = false;
};

// HandshakeSummary is what a finished handshake settled.
struct HandshakeSummary {
  TlsVersion version = TlsVersion::kTls13;
  std::uint16_t cipher_suite = 0;  // IANA number
  std::string alpn;                // empty: none was negotiated
  bool resumed = false;
  std::vector<Bytes> peer_chain;  // X.509 DER as sent, the leaf first; empty: no certificate
};

}  // namespace detach

#endif  // DETACH_BIO_BACKEND_TLS_CONFIG_H_
