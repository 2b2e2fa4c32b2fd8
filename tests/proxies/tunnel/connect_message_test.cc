#include "proxies/tunnel/connect_message.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <string>
#include <vector>

namespace detach {
namespace {

std::span<const std::uint8_t> AsBytes(std::string_view text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

// Feeds `text` in pieces of `step` bytes until the parser is done.
void Feed(ConnectRequestParser& parser, std::string_view text, std::size_t step = 1 << 20) {
  for (std::size_t at = 0; at < text.size() && !parser.done(); at += step) {
    parser.Receive(AsBytes(text.substr(at, step)));
  }
}

// The same; returns how many bytes were taken.
std::size_t Feed(ConnectResponseParser& parser, std::string_view text, std::size_t step = 1 << 20) {
  std::size_t taken = 0;
  while (taken < text.size() && !parser.done()) {
    const std::string_view piece = text.substr(taken, step);
    const std::size_t size = parser.Receive(AsBytes(piece));
    taken += size;
    EXPECT_TRUE(parser.done() || size == piece.size());
  }
  return taken;
}

std::string Request(std::string_view line, std::string_view fields = "Host: wiki.example:443\r\n") {
  return std::string(line) + "\r\n" + std::string(fields) + "\r\n";
}

constexpr std::string_view kLine = "CONNECT wiki.example:443 HTTP/1.1";

// RefusalOf returns the status of the refusal, or 0 if the request was taken, or -1 if undecided.
int RefusalOf(std::string_view text) {
  ConnectRequestParser parser;
  Feed(parser, text);
  if (!parser.done()) return -1;
  return parser.refusal() ? static_cast<int>(parser.refusal()->status) : 0;
}

TEST(ConnectRequestTest, IsReadWhateverTheReadsAre) {
  const std::string text =
      Request("CONNECT Wiki.Example:443 HTTP/1.1",
              "Host: wiki.example:443\r\nUser-Agent: x\r\nProxy-Authorization: Basic YTpi\r\n"
              "Connection: keep-alive, tls-detach\r\nTLS-Detach: v=1, when=covered\r\n");
  for (std::size_t step = 1; step <= text.size(); ++step) {
    ConnectRequestParser parser;
    Feed(parser, text, step);
    ASSERT_TRUE(parser.done());
    ASSERT_TRUE(parser.request()) << parser.refusal()->message;
    EXPECT_EQ(parser.request()->authority.ToString(), "wiki.example:443");
    EXPECT_EQ(parser.request()->tls_detach, "v=1, when=covered");
  }
}

TEST(ConnectRequestTest, ThatIsFollowedByMoreIsRefused) {
  for (const char* more : {"\x16\x03\x01", "G", "CONNECT wiki.example:443 HTTP/1.1\r\n\r\n"}) {
    EXPECT_EQ(RefusalOf(Request(kLine) + more), 400) << more;
  }
}

TEST(ConnectRequestTest, ThatIsRefusedAnywayIsRefusedForItsFirstFault) {
  EXPECT_EQ(RefusalOf("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\nhi"), 405);
  EXPECT_EQ(RefusalOf(Request("CONNECT wiki.example:443 HTTP/1.0") + "hi"), 505);
}

TEST(ConnectRequestTest, TlsDetachCountsOnlyWhereConnectionListsIt) {
  const std::string host = "Host: wiki.example:443\r\n";
  for (const char* fields :
       {"TLS-Detach: v=1\r\n", "TLS-Detach: v=1\r\nConnection: close\r\n",
        "TLS-Detach: v=1\r\nConnection: xtls-detach\r\n", "Connection: TLS-Detach\r\n"}) {
    ConnectRequestParser parser;
    Feed(parser, Request(kLine, host + fields));
    ASSERT_TRUE(parser.request()) << fields;
    EXPECT_FALSE(parser.request()->tls_detach) << fields;
  }
}

TEST(ConnectRequestTest, SeveralLinesOfAListFieldAreOneList) {
  ConnectRequestParser parser;
  Feed(parser, Request(kLine,
                       "Host: wiki.example:443\r\nConnection: keep-alive\r\nTLS-Detach: v=1\r\n"
                       "Connection: TLS-Detach\r\nTLS-Detach: when=covered\r\n"));
  ASSERT_TRUE(parser.request());
  EXPECT_EQ(parser.request()->tls_detach, "v=1, when=covered");
}

TEST(ConnectRequestTest, HostNamesTheTargetAndMayLeaveThePortOut) {
  for (const char* host : {"wiki.example:443", "WIKI.example:443", "wiki.example"}) {
    EXPECT_EQ(RefusalOf(Request(kLine, "Host: " + std::string(host) + "\r\n")), 0) << host;
  }
  EXPECT_EQ(RefusalOf(Request("CONNECT [2001:db8::1]:443 HTTP/1.1", "Host: [2001:db8::1]\r\n")), 0);
  EXPECT_EQ(RefusalOf(Request("CONNECT [2001:db8::1]:443 HTTP/1.1", "Host: [2001:db8::1]:443\r\n")),
            0);
  for (const char* host :
       {"", "other.example:443", "wiki.example:80", "wiki.example:", "wiki.example.",
        "wiki.example:443, wiki.example:443", "wiki.example:443:443"}) {
    EXPECT_EQ(RefusalOf(Request(kLine, "Host: " + std::string(host) + "\r\n")), 400) << host;
  }
  EXPECT_EQ(RefusalOf(Request(kLine, "")), 400);
  EXPECT_EQ(RefusalOf(Request(kLine, "Host: wiki.example:443\r\nHost: wiki.example:443\r\n")), 400);
  EXPECT_EQ(RefusalOf(Request(kLine, "Host: wiki.example:443\r\nHost: evil.example:443\r\n")), 400);
}

TEST(ConnectRequestTest, OtherMethodsAreNotAllowed) {
  for (const char* line :
       {"GET / HTTP/1.1", "GET http://wiki.example/ HTTP/1.1", "POST /CONNECT HTTP/1.1",
        "OPTIONS * HTTP/1.1", "connect wiki.example:443 HTTP/1.1", "GET / HTTP/1.0"}) {
    EXPECT_EQ(RefusalOf(Request(line, "Host: 127.0.0.1:8118\r\n")), 405) << line;
  }
}

TEST(ConnectRequestTest, OtherVersionsAreNotSupported) {
  for (const char* version : {"HTTP/1.0", "HTTP/2.0", "HTTP/0.9", "HTTP/1.2", "HTTP/1.10"}) {
    EXPECT_EQ(RefusalOf(Request("CONNECT wiki.example:443 " + std::string(version))), 505)
        << version;
  }
}

TEST(ConnectRequestTest, MalformedRequestLinesAreBadRequests) {
  for (const char* line :
       {"CONNECT wiki.example HTTP/1.1", "CONNECT https://wiki.example:443 HTTP/1.1",
        "CONNECT /x HTTP/1.1", "CONNECT * HTTP/1.1", "CONNECT user@wiki.example:443 HTTP/1.1",
        "CONNECT  wiki.example:443 HTTP/1.1", " CONNECT wiki.example:443 HTTP/1.1",
        "CONNECT 127.1:443 HTTP/1.1", ""}) {
    EXPECT_EQ(RefusalOf(Request(line)), 400) << line;
  }
  for (const char* line :
       {"CON NECT wiki.example:443 HTTP/1.1", "CONNECT wiki.example:443",
        "CONNECT wiki.example:443 ", "CONNECT wiki.example:443 HTTP/1.1 ",
        "CONNECT wiki.example:443 HTTP/1.1 x", "CONNECT wiki.example:443 http/1.1"}) {
    EXPECT_GE(RefusalOf(Request(line)), 400) << line;
  }
}

TEST(ConnectRequestTest, BodiesAreRefused) {
  for (const char* field : {"Content-Length: 0", "Content-Length: 5", "content-length: 5",
                            "Transfer-Encoding: chunked", "Transfer-Encoding: identity",
                            "Content-Length: 5\r\nContent-Length: 6", "Content-Length: x"}) {
    EXPECT_EQ(RefusalOf(Request(kLine, "Host: wiki.example:443\r\n" + std::string(field) + "\r\n")),
              400)
        << field;
  }
}

TEST(ConnectRequestTest, MalformedFieldsAreRefused) {
  for (const char* field :
       {"X : y", " X: y", ": y", "X", "X y", "X: a\r\n b", "X: a\r\n\tb", "X: a\rb", "X: a\nb",
        "X: a\r\r\n", "X: \x01", "X: \x7f", "X: \x80", "X: a\tb", "X(: y", "\xc3\xbc: y"}) {
    EXPECT_EQ(RefusalOf(Request(kLine, "Host: wiki.example:443\r\n" + std::string(field) + "\r\n")),
              400)
        << field;
  }
  const std::string with_nul("X: a\0b\r\n", 8);
  EXPECT_EQ(RefusalOf(Request(kLine, "Host: wiki.example:443\r\n" + with_nul)), 400);
}

TEST(ConnectRequestTest, LineFeedsAloneEndNothing) {
  EXPECT_EQ(RefusalOf("CONNECT wiki.example:443 HTTP/1.1\nHost: wiki.example:443\n\n"), 400);
  EXPECT_EQ(RefusalOf("CONNECT wiki.example:443 HTTP/1.1\r\nHost: wiki.example:443\n\r\n"), 400);
}

TEST(ConnectRequestTest, WhatIsNoHttpIsRefusedAtItsFirstBadByte) {
  ConnectRequestParser parser;
  parser.Receive(AsBytes("\x16"));  // a ClientHello on the proxy's port
  ASSERT_TRUE(parser.done());
  EXPECT_EQ(parser.refusal()->status, 400u);
}

TEST(ConnectRequestTest, HoldsItsLimits) {
  std::string fields = "Host: wiki.example:443\r\n";
  for (std::size_t i = 1; i < ConnectRequestParser::kMaxFields; ++i) fields += "X: y\r\n";
  EXPECT_EQ(RefusalOf(Request(kLine, fields)), 0);
  EXPECT_EQ(RefusalOf(Request(kLine, fields + "X: y\r\n")), 431);

  const std::string empty = Request(kLine, "Host: wiki.example:443\r\nX: \r\n");
  const std::size_t room = HeaderBlock::kMaxSize - empty.size();
  const std::string host = "Host: wiki.example:443\r\n";
  EXPECT_EQ(RefusalOf(Request(kLine, host + "X: " + std::string(room, 'y') + "\r\n")), 0);
  EXPECT_EQ(RefusalOf(Request(kLine, host + "X: " + std::string(room + 1, 'y') + "\r\n")), 431);

  ConnectRequestParser parser;
  Feed(parser, std::string(HeaderBlock::kMaxSize, 'A'), 1000);
  ASSERT_TRUE(parser.done());
  EXPECT_EQ(parser.refusal()->status, 431u);
}

TEST(ConnectRequestTest, IsUndecidedBeforeItsEnd) {
  const std::string text = Request(kLine);
  for (std::size_t size = 0; size < text.size(); ++size) {
    EXPECT_EQ(RefusalOf(text.substr(0, size)), -1) << size;
  }
}

TEST(ConnectRequestTest, IsWhatTheParserReads) {
  const auto authority = Authority::Parse("[2001:db8::1]:443");
  const std::string text = SerializeConnectRequest(*authority, "v=1, when=covered");
  EXPECT_EQ(text,
            "CONNECT [2001:db8::1]:443 HTTP/1.1\r\nHost: [2001:db8::1]:443\r\n"
            "Connection: TLS-Detach\r\nTLS-Detach: v=1, when=covered\r\n\r\n");
  ConnectRequestParser parser;
  Feed(parser, text);
  ASSERT_TRUE(parser.request());
  EXPECT_EQ(parser.request()->authority, *authority);
  EXPECT_EQ(SerializeConnectRequest(*authority, std::nullopt),
            "CONNECT [2001:db8::1]:443 HTTP/1.1\r\nHost: [2001:db8::1]:443\r\n\r\n");
}

Result<ConnectResponse> ResponseTo(std::string_view text, std::size_t step = 1 << 20) {
  ConnectResponseParser parser;
  Feed(parser, text, step);
  if (!parser.done()) return Internal("undecided");
  return parser.result();
}

TEST(ConnectResponseTest, OfTheReverseProxyCarriesTheField) {
  const std::string text = SerializeConnected("v=1, when=covered");
  EXPECT_EQ(text,
            "HTTP/1.1 200 Connection established\r\nConnection: TLS-Detach\r\n"
            "TLS-Detach: v=1, when=covered\r\n\r\n");
  for (std::size_t step = 1; step <= text.size(); ++step) {
    const auto response = ResponseTo(text, step);
    ASSERT_TRUE(response.ok());
    EXPECT_TRUE(response->ok());
    EXPECT_EQ(response->tls_detach, "v=1, when=covered");
  }
  EXPECT_EQ(SerializeConnected(std::nullopt), "HTTP/1.1 200 Connection established\r\n\r\n");
}

TEST(ConnectResponseTest, OfOtherProxiesIsTaken) {
  for (const char* text : {"HTTP/1.1 200 OK\r\n\r\n", "HTTP/1.0 200 Connection established\r\n\r\n",
                           "HTTP/1.1 204 \r\nContent-Length: 5\r\n\r\n",
                           "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
                           "HTTP/1.1 200 OK\r\nTLS-Detach: v=1\r\n\r\n"}) {
    const auto response = ResponseTo(text);
    ASSERT_TRUE(response.ok()) << text;
    EXPECT_TRUE(response->ok());
    EXPECT_FALSE(response->tls_detach);
  }
}

TEST(ConnectResponseTest, LeavesTheTunnelsFirstBytes) {
  ConnectResponseParser parser;
  const std::string text = "HTTP/1.1 200 OK\r\n\r\n";
  EXPECT_EQ(Feed(parser, text + "SSH-2.0-x\r\n\r\n"), text.size());
  EXPECT_TRUE(parser.result().ok());
}

TEST(ConnectResponseTest, SkipsInterimResponsesUpToALimit) {
  const std::string interim = "HTTP/1.1 103 Early Hints\r\nX: y\r\n\r\n";
  const std::string final = "HTTP/1.1 403 Forbidden\r\nProxy-Status: rp; error=x\r\n\r\n";
  std::string text = interim;
  text += interim;
  text += final;
  for (std::size_t step : {1, 7, 1000}) {
    const auto response = ResponseTo(text, step);
    ASSERT_TRUE(response.ok());
    EXPECT_EQ(response->status, 403u);
    EXPECT_EQ(response->reason, "Forbidden");
    EXPECT_EQ(response->proxy_status, "rp; error=x");
    EXPECT_FALSE(response->ok());
  }
  std::string many;
  for (int i = 0; i < 9; ++i) many += interim;
  EXPECT_EQ(ResponseTo(many + final).status().fault(), Fault::kViolation);
}

TEST(ConnectResponseTest, ThatIsMalformedIsAViolation) {
  for (const std::string text :
       {"HTTP/2 200 OK\r\n\r\n", "HTTP/1.1 2000 OK\r\n\r\n", "HTTP/1.1 20 OK\r\n\r\n",
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n", "HTTP/1.1 099 x\r\n\r\n",
        "HTTP/1.1 700 x\r\n\r\n", "220 smtp.example ESMTP\r\n\r\n", "\r\n\r\n", "\x15\x03\x03",
        "HTTP/1.1 200 OK\nX: y\n\n", "HTTP/1.1 200 OK\r\nX: a\r\n b\r\n\r\n"}) {
    EXPECT_EQ(ResponseTo(text).status().fault(), Fault::kViolation) << text;
  }
  EXPECT_EQ(ResponseTo("HTTP/1.1 200 OK\r\nX: " + std::string(9000, 'y')).status().fault(),
            Fault::kViolation);
}

TEST(RefusalTest, ClosesSaysWhyAndOpensNothingToWebPages) {
  EXPECT_EQ(SerializeRefusal({403, "http_request_denied", "No \"allow\" row.", ""}, "rp"),
            "HTTP/1.1 403 Forbidden\r\nConnection: close\r\n"
            "Content-Type: text/plain; charset=utf-8\r\n"
            "Proxy-Status: rp; error=http_request_denied; details=\"No \\\"allow\\\" row.\"\r\n"
            "Content-Length: 16\r\n\r\nNo \"allow\" row.\n");
}

TEST(RefusalTest, PassesOnWhatTheNextProxySaid) {
  const std::string text = SerializeRefusal({502, "", "x", "rp; error=dns_error"}, "cp");
  EXPECT_NE(text.find("Proxy-Status: rp; error=dns_error, cp; details=\"x\"\r\n"), text.npos);
}

TEST(RefusalTest, AMessageCannotBecomeAField) {
  const std::string text =
      SerializeRefusal({502, "", "a\r\nSet-Cookie: x", "b\r\nSet-Cookie: y"}, "cp");
  const std::string header = text.substr(0, text.find("\r\n\r\n"));
  EXPECT_EQ(header.find("\r\nSet-Cookie"), header.npos);
}

TEST(RefusalTest, OfAnotherMethodNamesTheOneThatIsAllowed) {
  ConnectRequestParser parser;
  Feed(parser, "GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n");
  const std::string text = SerializeRefusal(*parser.refusal(), "cp");
  EXPECT_TRUE(text.starts_with("HTTP/1.1 405 Method Not Allowed\r\nAllow: CONNECT\r\n")) << text;
  EXPECT_EQ(text.find("Access-Control"), text.npos);
}

TEST(RefusalTest, IsReadByTheResponseParser) {
  const auto response = ResponseTo(SerializeRefusal(PipelinedRefusal(), "rp"));
  ASSERT_TRUE(response.ok());
  EXPECT_EQ(response->status, 400u);
  EXPECT_TRUE(response->proxy_status.starts_with("rp; error=http_request_error; details="));
}

}  // namespace
}  // namespace detach
