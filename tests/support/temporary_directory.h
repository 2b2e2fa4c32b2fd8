// A directory for the files of one test.
#ifndef DETACH_TESTS_SUPPORT_TEMPORARY_DIRECTORY_H_
#define DETACH_TESTS_SUPPORT_TEMPORARY_DIRECTORY_H_

#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <string>

namespace detach {

// TemporaryDirectory makes an empty directory and removes it, with all that is in it, when it goes.
class TemporaryDirectory {
 public:
  // Below `parent`: a socket's path must be short.
  explicit TemporaryDirectory(const std::string& parent = ::testing::TempDir()) {
    std::string path = parent + "/XXXXXX";
    if (::mkdtemp(path.data()) == nullptr) throw std::filesystem::filesystem_error("mkdtemp", {});
    path_ = path;
  }
  TemporaryDirectory(const TemporaryDirectory&) = delete;
  TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;
  ~TemporaryDirectory() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }

  const std::filesystem::path& path() const { return path_; }

  // Write makes the file `name`, which its owner alone may write, and returns its path.
  std::string Write(const std::string& name, const std::string& contents) const {
    const std::string path = (path_ / name).string();
    std::ofstream(path, std::ios::binary) << contents;
    ::chmod(path.c_str(), 0600);
    return path;
  }

 private:
  std::filesystem::path path_;
};

}  // namespace detach

#endif  // DETACH_TESTS_SUPPORT_TEMPORARY_DIRECTORY_H_
