#include "proxies/log/log.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <thread>
#include <vector>

#include "program/escape.h"
#include "proxies/log/tunnel_record.h"

namespace detach {
namespace {

// A peer's idea of a name.
const std::string kHostile = std::string("a\nlevel=error \"x\"\\ \x1b[2J\0\xc3\xa4 {}", 29);

std::string Captured(LogFormat format, LogLevel threshold, const std::function<void()>& act) {
  ConfigureLog(threshold, format);
  ::testing::internal::CaptureStderr();
  act();
  return ::testing::internal::GetCapturedStderr();
}

TEST(EscapeTest, LeavesNothingButPrintableAscii) {
  std::string all;
  for (int byte = 0; byte < 256; ++byte) all += static_cast<char>(byte);
  for (const char c : EscapeBytes(all)) {
    EXPECT_GE(c, ' ');
    EXPECT_LE(c, '~');
  }
  EXPECT_EQ(EscapeBytes(std::string_view("a\\b\n\0\xff", 6)), "a\\\\b\\x0a\\x00\\xff");
}

TEST(EscapeTest, CapsWhatAStrangerSends) {
  EXPECT_EQ(EscapeBytes(std::string(1000, 'x'), 4), "xxxx...(996 more)");
  EXPECT_EQ(EscapeBytes("xxxx", 4), "xxxx");
}

TEST(LogFormatTest, TextQuotesWhatWouldBeReadOtherwise) {
  const std::vector<LogField> fields = {{"plain", "a:b/c"}, {"space", "a b"},  {"empty", ""},
                                        {"quote", "a\"b"},  {"equals", "a=b"}, {"number", -7},
                                        {"truth", true}};
  EXPECT_EQ(FormatEvent(LogFormat::kText, "test", fields),
            "event=test plain=a:b/c space=\"a b\" empty=\"\" quote=\"a\\\"b\" equals=\"a=b\" "
            "number=-7 truth=true");
}

TEST(LogFormatTest, JsonIsJsonWhateverAPeerSends) {
  const std::vector<LogField> fields = {{"name", kHostile}, {"number", 7}, {"truth", false}};
  const std::string line = "{" + FormatEvent(LogFormat::kJson, "test", fields) + "}";
  const nlohmann::json parsed = nlohmann::json::parse(line);
  EXPECT_EQ(parsed["event"], "test");
  EXPECT_EQ(parsed["name"], EscapeBytes(kHostile));
  EXPECT_EQ(parsed["number"], 7);
  EXPECT_EQ(parsed["truth"], false);
}

TEST(LogTest, TextLineHasTimeAndLevelAndIsOneLine) {
  const std::string line = Captured(LogFormat::kText, LogLevel::kInfo, [] {
    Log(LogLevel::kWarning, "refused", {{"peer", kHostile}});
  });
  EXPECT_EQ(std::count(line.begin(), line.end(), '\n'), 1);
  EXPECT_TRUE(line.starts_with("time=2")) << line;
  EXPECT_NE(line.find("Z level=warning event=refused peer=\"a\\x0alevel=error"), std::string::npos)
      << line;
}

TEST(LogTest, JsonLineIsAnObject) {
  const std::string line = Captured(LogFormat::kJson, LogLevel::kInfo, [] {
    Log(LogLevel::kError, "refused", {{"peer", kHostile}});
  });
  const nlohmann::json parsed = nlohmann::json::parse(line);
  EXPECT_EQ(parsed["level"], "error");
  EXPECT_EQ(parsed["event"], "refused");
  EXPECT_TRUE(parsed["time"].get<std::string>().ends_with("Z"));
}

TEST(LogTest, WritesNothingBelowTheThreshold) {
  const auto act = [] {
    Log(LogLevel::kDebug, "one");
    Log(LogLevel::kInfo, "two");
    Log(LogLevel::kError, "three");
  };
  EXPECT_EQ(Captured(LogFormat::kText, LogLevel::kInfo, act).find("one"), std::string::npos);
  EXPECT_NE(Captured(LogFormat::kText, LogLevel::kInfo, act).find("two"), std::string::npos);
  EXPECT_EQ(Captured(LogFormat::kText, LogLevel::kError, act).find("two"), std::string::npos);
  EXPECT_NE(Captured(LogFormat::kText, LogLevel::kDebug, act).find("one"), std::string::npos);
}

TEST(LogTest, LinesOfManyThreadsDoNotMixWhileTheFormatChanges) {
  const std::string lines = Captured(LogFormat::kJson, LogLevel::kInfo, [] {
    std::vector<std::thread> threads;
    for (int t = 0; t < 4; ++t) {
      threads.emplace_back([] {
        for (int i = 0; i < 100; ++i) {
          if (i == 50) ConfigureLog(LogLevel::kInfo, LogFormat::kText);
          Log(LogLevel::kInfo, "line", {{"filler", std::string(200, 'x')}});
        }
      });
    }
    for (std::thread& thread : threads) thread.join();
  });
  std::istringstream in(lines);
  int count = 0;
  for (std::string line; std::getline(in, line); ++count) {
    EXPECT_TRUE(line.ends_with(std::string(200, 'x')) || line.ends_with("x\"}")) << line;
  }
  EXPECT_EQ(count, 400);
}

TEST(LogTest, ATunnelsEndSaysWhoWhereHowAndHowMuch) {
  TunnelRecord tunnel;
  tunnel.id = 5;
  tunnel.peer = "192.0.2.1:40000";
  tunnel.client = "URI:spiffe://corp.example/alice";
  tunnel.destination = "wiki.corp.example:443";
  tunnel.dialled = "10.1.2.3:443";
  tunnel.mode = "covered";
  tunnel.covered_up = 1;
  tunnel.covered_down = 2;
  tunnel.raw_up = 3;
  tunnel.raw_down = 4;
  tunnel.spliced = 6;
  tunnel.duration = std::chrono::milliseconds(1500);
  tunnel.ending = "closed";
  const std::string line =
      Captured(LogFormat::kText, LogLevel::kInfo, [&] { LogTunnelEnd(tunnel); });
  EXPECT_NE(line.find("level=info event=tunnel_end id=5 peer=192.0.2.1:40000 "
                      "client=URI:spiffe://corp.example/alice destination=wiki.corp.example:443 "
                      "dialled=10.1.2.3:443 mode=covered covered_up=1 covered_down=2 raw_up=3 "
                      "raw_down=4 spliced=6 duration_ms=1500 ending=closed\n"),
            std::string::npos)
      << line;
}

}  // namespace
}  // namespace detach
