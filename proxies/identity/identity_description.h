// An identity of the certificate database, for people.
#ifndef DETACH_PROXIES_IDENTITY_IDENTITY_DESCRIPTION_H_
#define DETACH_PROXIES_IDENTITY_IDENTITY_DESCRIPTION_H_

#include <chrono>
#include <string>

#include "proxies/identity/identity_loader.h"

namespace detach {

// DescribeIdentity returns the subject as a line, and below it, indented, a line each for issuer,
// validity (and whether it holds at `now`), kind of key, each place where the private key is, and
// the SHA-256 of the SubjectPublicKeyInfo's DER in hex.
std::string DescribeIdentity(
    const StoredIdentity& stored,
    std::chrono::system_clock::time_point now = std::chrono::system_clock::now());

}  // namespace detach

#endif  // DETACH_PROXIES_IDENTITY_IDENTITY_DESCRIPTION_H_
