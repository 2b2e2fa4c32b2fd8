// What a fuzz target asserts, in every build.
#ifndef DETACH_TESTS_FUZZ_FUZZ_REQUIRE_H_
#define DETACH_TESTS_FUZZ_FUZZ_REQUIRE_H_

#include <cstdio>
#include <cstdlib>

// FUZZ_REQUIRE aborts, which libFuzzer reports with its input, unless `condition` holds.
#define FUZZ_REQUIRE(condition)                                                    \
  do {                                                                             \
    if (!(condition)) {                                                            \
      std::fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #condition); \
      std::abort();                                                                \
    }                                                                              \
  } while (false)

#endif  // DETACH_TESTS_FUZZ_FUZZ_REQUIRE_H_
