// The operations of the provider: one file each, with its dispatch table at the end.
#ifndef DETACH_PROVIDER_OPERATIONS_H_
#define DETACH_PROVIDER_OPERATIONS_H_

#include <openssl/core.h>

namespace detach {

// kSignatureName is nobody else's: whoever fetches a signature by the name of a key type never gets
// ours, and whoever has a key of ours is led here by OSSL_FUNC_keymgmt_query_operation_name.
inline constexpr const char* kSignatureName = "DETACH-KEEPER";

extern const OSSL_ALGORITHM kStoreAlgorithms[];
extern const OSSL_ALGORITHM kKeymgmtAlgorithms[];
extern const OSSL_ALGORITHM kSignatureAlgorithms[];

}  // namespace detach

#endif  // DETACH_PROVIDER_OPERATIONS_H_
