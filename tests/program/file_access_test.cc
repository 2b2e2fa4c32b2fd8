#include "program/file_access.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <linux/landlock.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <filesystem>
#include <functional>
#include <thread>

#include "bio/socket/unique_fd.h"
#include "program/trusted_file.h"
#include "tests/support/in_child.h"
#include "tests/support/temporary_directory.h"

namespace detach {
namespace {

namespace fs = std::filesystem;

constexpr int kNotLimited = 200;  // no errno

int Read(const std::string& path) { return ErrorOf(::open(path.c_str(), O_RDONLY | O_CLOEXEC)); }

ino_t NodeOf(const std::string& path) {
  struct stat file = {};
  return ::stat(path.c_str(), &file) == 0 ? file.st_ino : 0;
}

class FileAccessTest : public ::testing::Test {
 protected:
  void SetUp() override {
    const long version =
        ::syscall(SYS_landlock_create_ruleset, nullptr, 0, LANDLOCK_CREATE_RULESET_VERSION);
    if (version < 1) GTEST_SKIP() << "this kernel has no Landlock: nothing here limits files";
  }

  // Limited runs `body` where only what is below inside_ may be read, and what is below run_
  // deleted.
  int Limited(const std::function<int()>& body) const {
    return InChild([&] {
      const std::string missing = (inside_.path() / "missing").string();
      const FileAccess access = {.read = {missing, inside_.path().string()},
                                 .remove = {run_.path().string()}};
      const Result<int> version = LimitFileAccess(access);
      return version.ok() && *version > 0 ? body() : kNotLimited;
    });
  }

  TemporaryDirectory inside_;
  TemporaryDirectory run_;
  TemporaryDirectory outside_;
  const std::string readable_ = inside_.Write("readable", "inside");
  const std::string unreadable_ = outside_.Write("unreadable", "outside");
};

TEST_F(FileAccessTest, ReadsWhatLiesBelowItsFoldersAndNothingElse) {
  EXPECT_EQ(Limited([&] { return Read(readable_); }), 0);
  EXPECT_EQ(Limited([&] { return Read(unreadable_); }), EACCES);
  EXPECT_EQ(Limited([&] { return Read("/etc/passwd"); }), EACCES);
  EXPECT_EQ(Limited([&] { return Read(inside_.path().string()); }), 0);
  EXPECT_EQ(Limited([&] { return Read(outside_.path().string()); }), EACCES);
}

TEST_F(FileAccessTest, ASingleFileMayBeReadable) {
  const std::string sibling = outside_.Write("sibling", "outside");
  EXPECT_EQ(InChild([&] {
              if (!LimitFileAccess({.read = {unreadable_}, .remove = {}}).ok()) return kNotLimited;
              return Read(unreadable_) == 0 ? Read(sibling) : 1;
            }),
            EACCES);
}

TEST_F(FileAccessTest, ALinkFromInsideLeadsNowhere) {
  const std::string link = (inside_.path() / "link").string();
  fs::create_symlink(unreadable_, link);
  EXPECT_EQ(Limited([&] { return Read(link); }), EACCES);
}

// Whoever replaces the file is another process: this one may not.
TEST_F(FileAccessTest, ReadsAFileThatIsPutThereLater) {
  const std::string ready = (run_.path() / "ready").string();
  ASSERT_EQ(::mkfifo(ready.c_str(), 0600), 0);
  const UniqueFd limited(::open(ready.c_str(), O_RDWR | O_CLOEXEC));
  const ino_t before = NodeOf(readable_);
  std::thread replacing([&] {
    char byte;
    if (::read(limited.get(), &byte, 1) == 1) fs::rename(inside_.Write("new", "later"), readable_);
  });
  EXPECT_EQ(Limited([&] {
              if (::write(limited.get(), "x", 1) != 1) return errno;
              while (NodeOf(readable_) == before) std::this_thread::yield();
              return Read(readable_);
            }),
            0);
  replacing.join();
}

TEST_F(FileAccessTest, NothingIsWrittenMadeOrRenamed) {
  for (const fs::path& folder : {inside_.path(), run_.path(), outside_.path()}) {
    const std::string there = (folder / "there").string();
    const std::string fresh = (folder / "new").string();
    std::ofstream(there) << "there";
    EXPECT_EQ(Limited([&] { return ErrorOf(::open(there.c_str(), O_WRONLY | O_CLOEXEC)); }),
              EACCES);
    EXPECT_EQ(Limited([&] { return ErrorOf(::truncate(there.c_str(), 0)); }), EACCES);
    EXPECT_EQ(Limited([&] { return ErrorOf(::mkdir(fresh.c_str(), 0700)); }), EACCES);
    EXPECT_EQ(Limited([&] { return ErrorOf(::symlink("x", fresh.c_str())); }), EACCES);
    EXPECT_EQ(Limited([&] { return ErrorOf(::rename(there.c_str(), fresh.c_str())); }), EACCES);
    EXPECT_EQ(Limited([&] {
                return ErrorOf(::open(fresh.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
              }),
              EACCES);
  }
}

TEST_F(FileAccessTest, DeletesOnlyWhereItMay) {
  const std::string pid_file = run_.Write("pid", "1");
  EXPECT_EQ(Limited([&] { return ErrorOf(::unlink(readable_.c_str())); }), EACCES);
  EXPECT_EQ(Limited([&] { return ErrorOf(::unlink(unreadable_.c_str())); }), EACCES);
  EXPECT_EQ(Limited([&] { return Read(pid_file); }), EACCES);
  EXPECT_EQ(Limited([&] { return ErrorOf(::unlink(pid_file.c_str())); }), 0);
}

TEST_F(FileAccessTest, ExecutesNothing) {
  const std::string program = (inside_.path() / "program").string();
  fs::copy_file("/bin/true", program);
  char* const nothing[] = {nullptr};
  EXPECT_EQ(Limited([&] { return ErrorOf(::execve(program.c_str(), nothing, nothing)); }), EACCES);
}

TEST_F(FileAccessTest, ConcernsThreadsThatAreStartedLater) {
  EXPECT_EQ(Limited([&] {
              int error = 0;
              std::thread([&] { error = Read(unreadable_); }).join();
              return error;
            }),
            EACCES);
}

TEST_F(FileAccessTest, IsRefusedWhereAThreadRunsThatItWouldNotConcern) {
  EXPECT_EQ(InChild([&] {
              std::thread([] { ::pause(); }).detach();
              const Result<int> version = LimitFileAccess({});
              return version.status().fault() == Fault::kInternal && Read(unreadable_) == 0 ? 0 : 1;
            }),
            0);
}

TEST_F(FileAccessTest, NoNewPrivilegesAreGainedAfterIt) {
  EXPECT_EQ(Limited([] { return ::prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0); }), 1);
}

TEST_F(FileAccessTest, AReaderOfTrustedFilesSaysWhatIsReadable) {
  EXPECT_EQ(Limited([&] { return ReadTrustedFile(readable_).ok() ? 0 : 1; }), 0);
  EXPECT_EQ(Limited([&] {
              const std::string message = ReadTrustedFile(unreadable_).status().message();
              return message.find(inside_.path().string()) != std::string::npos &&
                             message.find("restart it") != std::string::npos
                         ? 0
                         : 1;
            }),
            0);
}

TEST(FoldersOfTest, AreWhereAFileIsNamedAndWhereItLies) {
  const TemporaryDirectory directory;
  const fs::path top = fs::canonical(directory.path());
  fs::create_directories(top / "live");
  fs::create_directories(top / "archive");
  const std::string file = (top / "archive" / "id.pem").string();
  std::ofstream(file) << "x";
  fs::create_symlink("../archive/id.pem", top / "live" / "id.pem");
  using Folders = std::vector<std::string>;
  EXPECT_EQ(FoldersOf(file), Folders{top / "archive"});
  EXPECT_EQ(FoldersOf(top / "live" / ".." / "live" / "id.pem"),
            (Folders{top / "live", top / "archive"}));
}

}  // namespace
}  // namespace detach
