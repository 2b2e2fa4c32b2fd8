#include "program/toml_reader.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <functional>

#include "tests/support/temporary_directory.h"

namespace detach {
namespace {

class TomlReaderTest : public ::testing::Test {
 protected:
  // ErrorOf reads `toml` by `schema` and returns the complaint, with "F" for the file's path.
  std::string ErrorOf(const std::string& toml, const std::function<void(TomlTable&)>& schema) {
    const std::string path = directory_.Write("proxy.toml", toml);
    Result<TomlReader> reader = TomlReader::Open(path);
    if (!reader.ok()) return Shorten(reader.status().message(), path);
    TomlTable root = reader->root();
    schema(root);
    return Shorten(reader->Finish().message(), path);
  }

  static std::string Shorten(const std::string& message, const std::string& path) {
    return message.starts_with(path) ? "F" + message.substr(path.size()) : message;
  }

  TemporaryDirectory directory_;
};

TEST_F(TomlReaderTest, ReadsEveryTypeAndDefaults) {
  const std::string error = ErrorOf(
      "name = 'x'\nlist = ['a', 'b']\nyes = true\ncount = 7\nafter = '5m'\n[t]\nk = 'v'\n"
      "[[row]]\nn = 1\n[[row]]\nn = 2\n",
      [](TomlTable& root) {
        EXPECT_EQ(root.RequiredString("name").text, "x");
        EXPECT_EQ(root.String("other", "default").text, "default");
        const auto list = root.Strings("list");
        ASSERT_EQ(list.size(), 2U);
        EXPECT_EQ(list[1].text, "b");
        EXPECT_TRUE(list[1].position.ends_with(":2:14")) << list[1].position;
        EXPECT_TRUE(root.Bool("yes", false));
        EXPECT_EQ(root.Integer("count", 1, 0, 10), 7);
        EXPECT_EQ(root.Integer("none", 1, 0, 10), 1);
        EXPECT_EQ(root.Duration("after", std::chrono::seconds(1)), std::chrono::minutes(5));
        EXPECT_EQ(root.Table("t").String("k").text, "v");
        const auto rows = root.Tables("row");
        ASSERT_EQ(rows.size(), 2U);
        EXPECT_EQ(TomlTable(rows[0]).Integer("n", 0, 0, 9), 1);
        EXPECT_EQ(TomlTable(rows[1]).Integer("n", 0, 0, 9), 2);
      });
  EXPECT_EQ(error, "");
}

TEST_F(TomlReaderTest, AKeyThatNobodyAsksForIsAnErrorWhereverItStands) {
  const auto schema = [](TomlTable& root) {
    root.String("name");
    root.Table("t").String("k");
    for (TomlTable& row : root.Tables("row")) row.String("n");
  };
  EXPECT_EQ(ErrorOf("name = 'x'\n  nmae = 1\n", schema),
            "F:2:3: unknown key \"nmae\"; correct or remove it");
  EXPECT_EQ(ErrorOf("[t]\nk = 'v'\nl = 1\n", schema),
            "F:3:1: unknown key \"l\"; correct or remove it");
  EXPECT_EQ(ErrorOf("[[row]]\nn = 'v'\n[[row]]\nm = 1\n", schema),
            "F:4:1: unknown key \"m\"; correct or remove it");
  EXPECT_EQ(ErrorOf("[u]\nk = 1\n", schema).substr(0, 25), "F:1:2: unknown key \"u\"; c");
}

TEST_F(TomlReaderTest, WhatAnotherReaderReadsIsNotLookedAt) {
  const auto schema = [](TomlTable& root) {
    TomlTable keeper = root.Table("keeper");
    keeper.String("program");
    keeper.LeaveToAnother("identity");
    keeper.LeaveToAnother("not there");
  };
  EXPECT_EQ(ErrorOf("[[keeper.identity]]\nname = 1\n", schema), "");
  EXPECT_EQ(ErrorOf("[keeper]\nidenity = 1\n[[keeper.identity]]\n", schema),
            "F:2:1: unknown key \"idenity\"; correct or remove it");
}

TEST_F(TomlReaderTest, ATableCanBeReadInAFileOfAnotherReader) {
  const auto schema = [](TomlTable& root) {
    root.LeaveTheRest();
    TomlTable keeper = root.Table("keeper");
    keeper.LeaveTheRest();
    for (TomlTable& row : keeper.Tables("identity")) row.RequiredString("name");
    root.Table("absent").LeaveTheRest();
  };
  const std::string rest = "listen = []\n[tls]\nx = 1\n[keeper]\nprogram = 'p'\n";
  EXPECT_EQ(ErrorOf(rest + "[[keeper.identity]]\nname = 'a'\n", schema), "");
  EXPECT_EQ(ErrorOf(rest + "[[keeper.identity]]\nnmae = 'a'\n", schema),
            "F:7:1: unknown key \"nmae\"; correct or remove it");
  EXPECT_EQ(ErrorOf(rest + "[[keeper.identity]]\n", schema),
            "F:6:1: \"keeper.identity.name\" is missing; add it");
}

TEST_F(TomlReaderTest, AComplaintOfAnotherReaderIsPassedOnAsItIs) {
  EXPECT_EQ(ErrorOf("a = 1\n",
                    [](TomlTable& root) {
                      root.Fail(Misuse("keeper.toml:3:1: \\x0a is no name"));
                      root.String("a");
                    }),
            "keeper.toml:3:1: \\x0a is no name");
}

TEST_F(TomlReaderTest, AMistypedKeyIsReportedBeforeTheRequiredOneThatItWasMeantFor) {
  EXPECT_EQ(ErrorOf("idenity = 'x'\n", [](TomlTable& root) { root.RequiredString("identity"); }),
            "F:1:1: unknown key \"idenity\"; correct or remove it");
}

TEST_F(TomlReaderTest, TheKeysOfATableThatShouldBeAnotherTypeAreNotCalledUnknown) {
  EXPECT_EQ(ErrorOf("[row]\nn = 1\n",
                    [](TomlTable& root) {
                      for (TomlTable& row : root.Tables("row")) row.String("n");
                    }),
            "F:1:1: \"row\" must be an array of tables, each headed [[row]]");
  EXPECT_EQ(ErrorOf("[[t]]\nk = 'v'\n", [](TomlTable& root) { root.Table("t").String("k"); }),
            "F:1:1: \"t\" must be a table");
}

TEST_F(TomlReaderTest, AMissingKeyIsReportedAtItsTable) {
  const auto schema = [](TomlTable& root) { root.Table("tls").RequiredString("identity"); };
  EXPECT_EQ(ErrorOf("\n[tls]\n", schema), "F:2:1: \"tls.identity\" is missing; add it");
  EXPECT_EQ(ErrorOf("\n", schema), "F:1:1: \"tls.identity\" is missing; add it");
}

TEST_F(TomlReaderTest, AWrongTypeIsReportedAtTheValue) {
  EXPECT_EQ(ErrorOf("k = 1\n", [](TomlTable& root) { root.String("k"); }),
            "F:1:5: \"k\" must be a string");
  EXPECT_EQ(ErrorOf("k = 'true'\n", [](TomlTable& root) { root.Bool("k", false); }),
            "F:1:5: \"k\" must be true or false");
  EXPECT_EQ(ErrorOf("k = 1.5\n", [](TomlTable& root) { root.Integer("k", 0, 0, 9); }),
            "F:1:5: \"k\" must be a whole number");
  EXPECT_EQ(ErrorOf("k = 'a'\n", [](TomlTable& root) { root.Strings("k"); }),
            "F:1:5: \"k\" must be an array of strings");
  EXPECT_EQ(ErrorOf("k = ['a', 2]\n", [](TomlTable& root) { root.Strings("k"); }),
            "F:1:11: \"k\" must be an array of strings");
  EXPECT_EQ(ErrorOf("t = 'a'\n", [](TomlTable& root) { root.Table("t").String("k"); }),
            "F:1:5: \"t\" must be a table");
  EXPECT_EQ(ErrorOf("[t]\n", [](TomlTable& root) { root.Tables("t"); }),
            "F:1:1: \"t\" must be an array of tables, each headed [[t]]");
}

TEST_F(TomlReaderTest, ValuesOutOfRangeSayTheRange) {
  const auto number = [](TomlTable& root) { root.Integer("k", 5, 1, 9); };
  EXPECT_EQ(ErrorOf("k = 0\n", number), "F:1:5: \"k\" is 0; it must be from 1 to 9");
  EXPECT_EQ(ErrorOf("k = 9\n", number), "");
  EXPECT_EQ(ErrorOf("k = 10\n", number), "F:1:5: \"k\" is 10; it must be from 1 to 9");
  EXPECT_EQ(ErrorOf("k = 'c'\n",
                    [](TomlTable& root) {
                      root.Choice("k", {"a", "b"}, "a");
                    }),
            "F:1:5: \"k\" is \"c\", which is none of \"a\", \"b\"");
  EXPECT_EQ(ErrorOf("k = ''\n", [](TomlTable& root) { root.RequiredString("k"); }),
            "F:1:5: \"k\" must not be empty");
  EXPECT_EQ(ErrorOf("k = []\n", [](TomlTable& root) { root.RequiredStrings("k"); }),
            "F:1:5: \"k\" must not be empty");
}

TEST_F(TomlReaderTest, DurationsHaveAUnit) {
  const auto read = [](TomlTable& root) { root.Duration("k", std::chrono::seconds(1)); };
  for (const char* good : {"1ms", "10s", "5m", "24h", "8760h"}) {
    EXPECT_EQ(ErrorOf("k = '" + std::string(good) + "'\n", read), "") << good;
  }
  for (const char* bad : {"", "10", "0s", "-1s", "10 s", "s", "1.5s", "1d", "1s ", "8761h",
                          "99999999999999999999s", "9223372036854775807h"}) {
    EXPECT_NE(ErrorOf("k = '" + std::string(bad) + "'\n", read), "") << bad;
  }
}

TEST_F(TomlReaderTest, TheFirstComplaintIsKept) {
  EXPECT_EQ(ErrorOf("a = 1\nb = 2\n",
                    [](TomlTable& root) {
                      root.String("b");
                      root.String("a");
                    }),
            "F:2:5: \"b\" must be a string");
}

TEST_F(TomlReaderTest, SyntaxErrorsHaveAPosition) {
  const std::string error = ErrorOf("a = 1\nb = = 2\n", [](TomlTable&) {});
  EXPECT_TRUE(error.starts_with("F:2:5: ")) << error;
}

TEST_F(TomlReaderTest, ErrorsStayOnOneLine) {
  const std::string error =
      ErrorOf("k = \"a\\nb\\u001b\"\n", [](TomlTable& root) { root.Choice("k", {"a"}, "a"); });
  EXPECT_EQ(error, "F:1:5: \"k\" is \"a\\x0ab\\x1b\", which is none of \"a\"");
}

TEST_F(TomlReaderTest, RefusesAFileThatOthersMayWrite) {
  const std::string path = directory_.Write("proxy.toml", "a = 1\n");
  ASSERT_EQ(::chmod(path.c_str(), 0646), 0);
  const auto reader = TomlReader::Open(path);
  ASSERT_FALSE(reader.ok());
  EXPECT_NE(reader.status().message().find("may be written by its group or by everybody"),
            std::string::npos);
}

TEST_F(TomlReaderTest, RefusesWhatIsNotAFile) {
  EXPECT_FALSE(TomlReader::Open(directory_.path().string()).ok());
  EXPECT_FALSE(TomlReader::Open("/dev/null").ok());
  EXPECT_FALSE(TomlReader::Open((directory_.path() / "none").string()).ok());
}

}  // namespace
}  // namespace detach
