#include "provider/keeper/pkcs11/nss_databases.h"

#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/stat.h>

#include <filesystem>
#include <string>
#include <vector>

#include "tests/support/temporary_directory.h"

namespace detach {
namespace {

namespace fs = std::filesystem;
using testing::Test;

std::string WhyNot(const std::string& uri) {
  const Result<BrowserUri> parsed = BrowserUri::Parse(uri);
  return parsed.ok() ? "" : parsed.status().message();
}

TEST(BrowserUriTest, NamesABrowserOrADirectory) {
  for (const std::string which : {"", "chromium", "firefox", "/home/a b/nssdb"}) {
    const Result<BrowserUri> bare = BrowserUri::Parse("browser:" + which);
    ASSERT_TRUE(bare.ok()) << which;
    EXPECT_EQ(bare->which, which);
    EXPECT_EQ(bare->pin_path, "");
    const Result<BrowserUri> with_pin =
        BrowserUri::Parse("browser:" + which + "?pin-source=file:/p");
    ASSERT_TRUE(with_pin.ok()) << which;
    EXPECT_EQ(with_pin->which, which);
    EXPECT_EQ(with_pin->pin_path, "/p");
  }
}

TEST(BrowserUriTest, KnowsNoOthers) {
  for (const char* uri : {"browser:netscape", "browser:Firefox", "browser:nssdb", "browser: "}) {
    EXPECT_NE(WhyNot(uri).find("there are browser:, browser:chromium"), std::string::npos) << uri;
  }
  for (const char* query : {"", "pin-source", "pin-source=", "pin-source=/p", "pin-source=file:p",
                            "pin-value=8765", "colour=red"}) {
    const std::string why = WhyNot("browser:?" + std::string(query));
    EXPECT_NE(why.find("pin-source=file:"), std::string::npos) << query;
    EXPECT_EQ(why.find("8765"), std::string::npos) << why;
  }
}

TEST(NssParametersTest, GiveEachDatabaseATokenThatIsOnlyRead) {
  EXPECT_EQ(NssParameters({"/a", "/b c"}, {"one", "two"}),
            "tokens=<0x4=[configDir='sql:/a' tokenDescription='one' flags=readOnly]"
            "0x5=[configDir='sql:/b c' tokenDescription='two' flags=readOnly]> flags=readOnly");
}

// A home with nothing in it.
class FindNssDirectoriesTest : public Test {
 protected:
  FindNssDirectoriesTest() {
    ::setenv("HOME", home_.path().c_str(), 1);
    ::unsetenv("XDG_DATA_HOME");
    ::unsetenv("XDG_CONFIG_HOME");
  }

  // MakeDatabase makes what looks like one, at `path` below the home.
  std::string MakeDatabase(const std::string& path) const {
    fs::create_directories(home_.path() / path);
    for (const char* file : {"cert9.db", "key4.db"}) home_.Write(path + "/" + file, "");
    return (home_.path() / path).lexically_normal().string();
  }

  // ListProfiles: in the profiles.ini of Firefox, below `folder`.
  void ListProfiles(const std::string& text, const std::string& folder = ".mozilla/firefox") const {
    fs::create_directories(home_.path() / folder);
    home_.Write(folder + "/profiles.ini", text);
  }

  static NssDirectories Find(const std::string& uri) {
    return FindNssDirectories(*BrowserUri::Parse(uri));
  }

  static std::string OnlyNotice(const NssDirectories& directories) {
    EXPECT_TRUE(directories.found.empty());
    EXPECT_EQ(directories.notices.size(), 1U);
    return directories.notices.empty() ? "" : directories.notices.front();
  }

  using Paths = std::vector<std::string>;
  TemporaryDirectory home_;
};

TEST_F(FindNssDirectoriesTest, SaysThatThereIsNone) {
  for (const char* uri : {"browser:", "browser:chromium", "browser:firefox"}) {
    const std::string notice = OnlyNotice(Find(uri));
    EXPECT_NE(notice.find("has no database of certificates in " + home_.path().string()),
              std::string::npos)
        << notice;
  }
  EXPECT_TRUE(fs::is_empty(home_.path()));
}

TEST_F(FindNssDirectoriesTest, FindsChromiumsOldPlaceFirst) {
  const std::string fresh = MakeDatabase(".local/share/pki/nssdb");
  EXPECT_EQ(Find("browser:chromium").found, Paths{fresh});
  const std::string old = MakeDatabase(".pki/nssdb");
  EXPECT_EQ(Find("browser:chromium").found, Paths{old});
}

TEST_F(FindNssDirectoriesTest, FollowsTheBaseDirectoriesUnlessTheyAreRelative) {
  const std::string data = MakeDatabase("data/pki/nssdb");
  const std::string usual = MakeDatabase(".local/share/pki/nssdb");
  ::setenv("XDG_DATA_HOME", (home_.path() / "data").c_str(), 1);
  EXPECT_EQ(Find("browser:chromium").found, Paths{data});
  ::setenv("XDG_DATA_HOME", "data", 1);
  EXPECT_EQ(Find("browser:chromium").found, Paths{usual});
  ::setenv("XDG_DATA_HOME", "", 1);
  EXPECT_EQ(Find("browser:chromium").found, Paths{usual});
}

TEST_F(FindNssDirectoriesTest, TakesAHomeThatIsNoneFromThePasswordDatabase) {
  ::setenv("HOME", "relative", 1);
  EXPECT_EQ(OnlyNotice(Find("browser:chromium")).find("relative"), std::string::npos);
  ::unsetenv("HOME");
  EXPECT_NE(OnlyNotice(Find("browser:chromium")), "");
}

TEST_F(FindNssDirectoriesTest, ReadsTheProfilesOfFirefoxInBothPlaces) {
  const std::string relative = MakeDatabase(".mozilla/firefox/abc.default");
  const std::string absolute = MakeDatabase("elsewhere/profile");
  const std::string fresh = MakeDatabase(".config/mozilla/firefox/x.y");
  ListProfiles(
      "[Install4F96D1932A9F858E]\r\nDefault=abc.default\r\n\r\n[Profile1]\r\nIsRelative=1\r\n"
      "Path=abc.default\r\n[Profile0]\nIsRelative=0\nPath=" +
      absolute + "\n[General]\nStartWithLastProfile=1\nVersion=2");
  ListProfiles("[Profile0]\nPath=x.y", ".config/mozilla/firefox");
  EXPECT_EQ(Find("browser:firefox").found, (Paths{relative, absolute, fresh}));
}

TEST_F(FindNssDirectoriesTest, PassesOverProfilesThatAreNone) {
  const std::string good = MakeDatabase(".mozilla/firefox/good");
  MakeDatabase(".mozilla/firefox/comment");
  ListProfiles("Path=\nPath\n=\n\n[Path=]\n;Path=comment\nPath=/\nPath=gone\nPath=" +
               std::string(10'000, 'x') + "\nPath=a\x01\xff\nPath=good\nPath=../firefox/./good");
  const NssDirectories directories = Find("browser:firefox");
  EXPECT_EQ(directories.found, (Paths{good, good}));
  EXPECT_TRUE(directories.notices.empty());
}

TEST_F(FindNssDirectoriesTest, ReadsNoProfilesFromADirectory) {
  fs::create_directories(home_.path() / ".mozilla/firefox/profiles.ini");
  EXPECT_NE(OnlyNotice(Find("browser:firefox")).find("Firefox"), std::string::npos);
}

TEST_F(FindNssDirectoriesTest, SaysWhyADirectoryIsNotOpened) {
  const std::string path = MakeDatabase("db");
  const fs::path keys = fs::path(path) / "key4.db";
  ::chmod(keys.c_str(), 0644);
  EXPECT_NE(OnlyNotice(Find("browser:" + path)).find("chmod o-r"), std::string::npos);
  ::chmod(keys.c_str(), 0620);
  EXPECT_NE(OnlyNotice(Find("browser:" + path)).find("its key4.db may be written"),
            std::string::npos);
  fs::remove(keys);
  EXPECT_NE(OnlyNotice(Find("browser:" + path)).find("has no NSS database"), std::string::npos);
  const std::string quoted = MakeDatabase("it's");
  EXPECT_NE(OnlyNotice(Find("browser:" + quoted)).find("NSS cannot be told"), std::string::npos);
}

}  // namespace
}  // namespace detach
