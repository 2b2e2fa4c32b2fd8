// make_pki DIRECTORY: writes the certificates of TestPki there, for tests in Python and shell.
#include <cstdio>
#include <filesystem>

#include "tests/support/test_pki.h"

int main(int argc, char** argv) {
  if (argc != 2 || !std::filesystem::is_directory(argv[1])) {
    std::fprintf(stderr, "usage: make_pki DIRECTORY (one that exists)\n");
    return 2;
  }
  detach::TestPki().WriteFiles(argv[1]);
  return 0;
}
