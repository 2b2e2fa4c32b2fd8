#include "examples/ftp/folder.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iterator>

#include "tests/support/temporary_directory.h"

namespace detach {
namespace {

class FolderTest : public ::testing::Test {
 protected:
  FolderTest() {
    std::filesystem::create_directories(served_ / "sub");
    directory_.Write("secret", "outside");
    directory_.Write("served/file", "inside");
    directory_.Write("served/sub/deep", "deeper");
    std::filesystem::create_symlink("../secret", served_ / "up");
    std::filesystem::create_symlink("file", served_ / "alias");
    std::filesystem::create_directory_symlink(directory_.path(), served_ / "out");
  }

  // What stands in the file, or the refusal.
  std::string Read(const std::string& path) const {
    const Result<UniqueFd> file = folder_->OpenFile(path);
    if (!file.ok()) return file.status().message();
    std::string text(100, '\0');
    const ssize_t size = read(file->get(), text.data(), text.size());
    text.resize(static_cast<std::size_t>(size));
    return text;
  }

  static std::string Contents(const std::filesystem::path& path) {
    std::ifstream file(path);
    return {std::istreambuf_iterator<char>(file), {}};
  }

  TemporaryDirectory directory_;
  const std::filesystem::path served_ = directory_.path() / "served";
  Result<Folder> folder_ = [this] {
    std::filesystem::create_directories(served_);
    return Folder::Open(served_);
  }();
};

TEST_F(FolderTest, ReadsWhatIsInIt) {
  for (const char* path : {"file", "/file", "//file", "sub/../file", "./file"}) {
    EXPECT_EQ(Read(path), "inside") << path;
  }
  EXPECT_EQ(Read("/sub/deep"), "deeper");
}

TEST_F(FolderTest, NoPathLeadsOutOfIt) {
  const std::string outside = (directory_.path() / "secret").string();
  for (const std::string& path : {std::string("../secret"), std::string("/../secret"),
                                  std::string("sub/../../secret"), outside}) {
    EXPECT_NE(Read(path), "outside") << path;
    EXPECT_FALSE(folder_->OpenFile(path).ok()) << path;
  }
  EXPECT_FALSE(folder_->Create("../new").ok());
  EXPECT_FALSE(folder_->Create("sub/../../new").ok());
  EXPECT_FALSE(folder_->List("..", Folder::Listing::kNames).ok());
}

TEST_F(FolderTest, FollowsNoLink) {
  EXPECT_FALSE(folder_->OpenFile("up").ok());
  EXPECT_FALSE(folder_->OpenFile("alias").ok());
  EXPECT_FALSE(folder_->OpenFile("out/secret").ok());
  EXPECT_FALSE(folder_->Create("out/new").ok());
  EXPECT_FALSE(folder_->List("out", Folder::Listing::kNames).ok());
}

TEST_F(FolderTest, AnUploadReplacesALinkAndNotWhatItLeadsTo) {
  Result<Upload> upload = folder_->Create("up");
  ASSERT_TRUE(upload.ok());
  EXPECT_TRUE(upload->Finish().ok());
  EXPECT_EQ(Contents(directory_.path() / "secret"), "outside");
}

TEST_F(FolderTest, OpensNothingButFiles) {
  ASSERT_EQ(mkfifo((served_ / "fifo").c_str(), 0600), 0);
  EXPECT_EQ(Read("fifo"), "not a file");
  EXPECT_EQ(Read("sub"), "not a file");
  EXPECT_FALSE(folder_->OpenFile("").ok());
}

TEST_F(FolderTest, AnUploadHasItsNameWhenItIsComplete) {
  {
    Result<Upload> upload = folder_->Create("/file");
    ASSERT_TRUE(upload.ok());
    ASSERT_EQ(write(upload->file(), "new", 3), 3);
    EXPECT_EQ(Read("file"), "inside");
  }
  EXPECT_EQ(*folder_->List("", Folder::Listing::kNames), "file\r\nsub\r\n");
  Result<Upload> upload = folder_->Create("/file");
  ASSERT_TRUE(upload.ok());
  ASSERT_EQ(write(upload->file(), "new", 3), 3);
  EXPECT_TRUE(upload->Finish().ok());
  EXPECT_EQ(Read("file"), "new");
}

TEST_F(FolderTest, AnUploadHasANameThatCanBeListed) {
  for (const char* path : {"", "/", "sub/", ".", "..", ".hidden", "two\r\nlines", "none/file"}) {
    EXPECT_FALSE(folder_->Create(path).ok()) << path;
  }
}

TEST_F(FolderTest, ListsFilesAndFoldersOnly) {
  std::ofstream(served_ / "two\r\nlines") << "x";
  const std::string names = *folder_->List("/", Folder::Listing::kNames);
  EXPECT_EQ(names, "file\r\nsub\r\n");
  const std::string lines = *folder_->List("sub", Folder::Listing::kLong);
  EXPECT_TRUE(lines.starts_with("-rw-r--r--   1 ftp      ftp                 6 ")) << lines;
  EXPECT_TRUE(lines.ends_with(" deep\r\n")) << lines;
}

}  // namespace
}  // namespace detach
