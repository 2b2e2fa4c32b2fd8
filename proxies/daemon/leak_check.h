// Whether this build looks for leaks when it ends, and so needs rights that a proxy gives up.
#ifndef DETACH_PROXIES_DAEMON_LEAK_CHECK_H_
#define DETACH_PROXIES_DAEMON_LEAK_CHECK_H_

namespace detach {

// kLeakCheck is true with AddressSanitizer, in whose builds LeakSanitizer reads /proc at the end
// and makes a process that traces this one.
#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define DETACH_LEAK_CHECK true
#endif
#endif
#ifndef DETACH_LEAK_CHECK
#define DETACH_LEAK_CHECK false
#endif
constexpr bool kLeakCheck = DETACH_LEAK_CHECK;
#undef DETACH_LEAK_CHECK

}  // namespace detach

#endif  // DETACH_PROXIES_DAEMON_LEAK_CHECK_H_
