// What pkcs11-provider needs below the sanitizers.
#include <dlfcn.h>

// NOLINTBEGIN(bugprone-reserved-identifier)
void* __interceptor_dlopen(const char* file, int flags);
const char* __lsan_default_suppressions(void);
// NOLINTEND(bugprone-reserved-identifier)

// It loads modules with RTLD_DEEPBIND, which the sanitizers' runtimes refuse.
void* dlopen(const char* file, int flags) {
  return __interceptor_dlopen(file, flags & ~RTLD_DEEPBIND);
}

// It loses a copy of a text (of 32 bytes, once) when it has logged in to one of NSS's tokens. It
// has been unloaded by the time of the report: what it called is all that the stack still names.
const char* __lsan_default_suppressions(void) { return "leak:CRYPTO_strdup\n"; }
