// Debian's OpenSSL is not instrumented: ThreadSanitizer sees the memcmp and free that it calls, but
// not the atomic operations that order them (a session's count of owners, an X509's cached
// extensions), and takes them for races. This leaves out what OpenSSL calls itself, and nothing of
// what it calls of ours.
const char* __tsan_default_suppressions(void);  // NOLINT(bugprone-reserved-identifier)

const char* __tsan_default_suppressions(void) {
  return "called_from_lib:libcrypto.so.3\n"
         "called_from_lib:libssl.so.3\n";
}
