#include "proxies/tunnel/connect_message.h"

// The only translation unit that includes Boost.Beast.
#include <algorithm>
#include <boost/asio/buffer.hpp>
#include <boost/beast/core/buffers_range.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/error.hpp>
#include <boost/beast/http/message.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/rfc7230.hpp>
#include <boost/beast/http/serializer.hpp>
#include <boost/beast/http/string_body.hpp>
#include <cassert>
#include <iterator>
#include <utility>

namespace detach {
namespace {

namespace beast = boost::beast;
namespace http = beast::http;

constexpr char kTlsDetach[] = "TLS-Detach";
constexpr char kProxyStatus[] = "Proxy-Status";
constexpr unsigned kHttp11 = 11;

std::string ToString(beast::string_view text) { return {text.data(), text.size()}; }
beast::string_view ToBeast(std::string_view text) { return {text.data(), text.size()}; }

Refusal BadRequest(unsigned status, std::string message) {
  return {status, "http_request_error", std::move(message), ""};
}

// Several lines of one list field are one list (RFC 9110 §5.3). `name` is a field or its name.
template <typename Name>
std::optional<std::string> Joined(const http::fields& fields, Name name) {
  std::optional<std::string> joined;
  const auto [begin, end] = fields.equal_range(name);
  for (auto field = begin; field != end; ++field) {
    const std::string value = ToString(field->value());
    joined = joined ? *joined + ", " + value : value;
  }
  return joined;
}

// A hop-by-hop field counts only where Connection lists it (RFC 9110 §7.6.1): else an intermediary
// that does not know it has passed it on, and it speaks of another connection.
std::optional<std::string> TlsDetachOf(const http::fields& fields) {
  const std::string connection = Joined(fields, http::field::connection).value_or("");
  if (!http::token_list(ToBeast(connection)).exists(kTlsDetach)) return std::nullopt;
  return Joined(fields, kTlsDetach);
}

template <bool kIsRequest>
using Parser = http::parser<kIsRequest, http::empty_body>;

template <bool kIsRequest>
boost::system::error_code Parse(std::string_view header, Parser<kIsRequest>& parser) {
  boost::system::error_code error;
  parser.skip(true);
  parser.put(boost::asio::buffer(header.data(), header.size()), error);
  if (!error && !parser.is_done()) error = http::error::partial_message;
  return error;
}

// Host names the same host, and the same port or none: Java leaves 443 out.
bool HostFits(std::string_view host, const Authority& authority) {
  const Result<Authority> with_port = Authority::Parse(host);
  if (with_port.ok()) return *with_port == authority;
  const std::string completed = std::string(host) + ":" + std::to_string(authority.port);
  const Result<Authority> without_port = Authority::Parse(completed);
  return without_port.ok() && *without_port == authority;
}

std::variant<ConnectRequest, Refusal> Judge(const http::request<http::empty_body>& request) {
  if (request.method() != http::verb::connect) {
    return BadRequest(405, "This is a proxy's port. It takes nothing but CONNECT.");
  }
  if (request.version() != kHttp11) return BadRequest(505, "CONNECT needs HTTP/1.1 here.");
  const auto count = std::distance(request.begin(), request.end());
  if (count > static_cast<std::ptrdiff_t>(ConnectRequestParser::kMaxFields)) {
    return BadRequest(431, "The request has too many fields.");
  }
  Result<Authority> authority = Authority::Parse(ToString(request.target()));
  if (!authority.ok()) return BadRequest(400, authority.status().message());
  if (request.count(http::field::host) != 1 ||
      !HostFits(ToString(request[http::field::host]), *authority)) {
    return BadRequest(400, "The request needs one Host field that names the target.");
  }
  if (request.count(http::field::content_length) + request.count(http::field::transfer_encoding)) {
    return BadRequest(400,
                      "CONNECT has no body: Content-Length and Transfer-Encoding are refused.");
  }
  return ConnectRequest{*std::move(authority), TlsDetachOf(request)};
}

std::variant<ConnectRequest, Refusal> ParseRequest(std::string_view header) {
  Parser<true> parser;
  const boost::system::error_code error = Parse(header, parser);
  if (error == http::error::bad_version) {
    return BadRequest(505, "The request line has to end in HTTP/1.1.");
  }
  if (error) return BadRequest(400, "The request is not well-formed: " + error.message() + ".");
  return Judge(parser.get());
}

Result<ConnectResponse> ParseResponse(std::string_view header) {
  Parser<false> parser;
  const boost::system::error_code error = Parse(header, parser);
  if (error) {
    return Violation("the proxy's answer to CONNECT is not well-formed: " + error.message());
  }
  const auto& response = parser.get();
  const unsigned status = response.result_int();
  // 101 would change the protocol, which nobody asked for.
  if (status == 101 || status < 100 || status > 599) {
    return Violation("the proxy answered CONNECT with status " + std::to_string(status));
  }
  return ConnectResponse{status, ToString(response.reason()), TlsDetachOf(response),
                         Joined(response, kProxyStatus).value_or("")};
}

// Beast writes field values as they are: a line break in one would be another field.
std::string OneVisibleLine(std::string_view text) {
  std::string line(text);
  std::replace_if(
      line.begin(), line.end(), [](char c) { return c < ' ' || c > '~'; }, '?');
  return line;
}

void SetTlsDetach(http::fields& fields, std::optional<std::string_view> value) {
  if (!value) return;
  fields.set(http::field::connection, kTlsDetach);
  fields.set(kTlsDetach, OneVisibleLine(*value));
}

template <bool kIsRequest, typename Body>
std::string Serialize(http::message<kIsRequest, Body>& message) {
  http::serializer<kIsRequest, Body> serializer(message);
  std::string text;
  boost::system::error_code error;
  while (!serializer.is_done() && !error) {
    serializer.next(error, [&](boost::system::error_code&, const auto& buffers) {
      const std::size_t before = text.size();
      for (const auto buffer : beast::buffers_range_ref(buffers)) {
        text.append(static_cast<const char*>(buffer.data()), buffer.size());
      }
      serializer.consume(text.size() - before);
    });
  }
  assert(!error);
  return text;
}

// A string of RFC 9651 §3.3.3.
std::string SfString(std::string_view text) {
  std::string quoted = "\"";
  for (const char c : OneVisibleLine(text)) {
    if (c == '"' || c == '\\') quoted += '\\';
    quoted += c;
  }
  return quoted + "\"";
}

std::string ProxyStatus(const Refusal& refusal, std::string_view proxy) {
  std::string value;
  if (!refusal.received_proxy_status.empty()) value = refusal.received_proxy_status + ", ";
  value += proxy;
  if (!refusal.proxy_error.empty()) value += "; error=" + refusal.proxy_error;
  return OneVisibleLine(value + "; details=" + SfString(refusal.message));
}

}  // namespace

void ConnectRequestParser::Receive(std::span<const std::uint8_t> bytes) {
  assert(!done());
  const std::size_t taken = header_.Receive(bytes);
  switch (header_.state()) {
    case HeaderBlock::State::kPartial:
      break;
    case HeaderBlock::State::kComplete:
      outcome_ = ParseRequest(header_.text());
      if (request() != nullptr && taken < bytes.size()) outcome_ = PipelinedRefusal();
      break;
    case HeaderBlock::State::kBadByte:
      outcome_ = BadRequest(400, "The request has a byte that does not belong into a header.");
      break;
    case HeaderBlock::State::kTooLong:
      outcome_ = BadRequest(431, "The request's header is too long.");
      break;
  }
}

Refusal PipelinedRefusal() {
  return BadRequest(400, "The client sent bytes behind CONNECT before it was answered.");
}

std::size_t ConnectResponseParser::Receive(std::span<const std::uint8_t> bytes) {
  assert(!done());
  std::size_t taken = 0;
  while (taken < bytes.size() && !done()) {
    taken += header_.Receive(bytes.subspan(taken));
    if (header_.state() == HeaderBlock::State::kPartial) continue;
    if (header_.state() != HeaderBlock::State::kComplete) {
      outcome_ = Violation("the proxy's answer to CONNECT is too long, or no HTTP");
      break;
    }
    Result<ConnectResponse> response = ParseResponse(header_.text());
    header_.Clear();
    if (!response.ok() || response->status >= 200) {
      outcome_ = std::move(response);
    } else if (++interim_ > kMaxInterim) {
      outcome_ = Violation("the proxy goes on sending interim responses to CONNECT");
    }
  }
  return taken;
}

std::string SerializeConnectRequest(const Authority& authority,
                                    std::optional<std::string_view> tls_detach) {
  const std::string target = authority.ToString();
  http::request<http::empty_body> request(http::verb::connect, target, kHttp11);
  request.set(http::field::host, target);
  SetTlsDetach(request, tls_detach);
  return Serialize(request);
}

std::string SerializeConnected(std::optional<std::string_view> tls_detach) {
  http::response<http::empty_body> response(http::status::ok, kHttp11);
  response.reason("Connection established");
  SetTlsDetach(response, tls_detach);
  return Serialize(response);
}

std::string SerializeRefusal(const Refusal& refusal, std::string_view proxy) {
  http::response<http::string_body> response;
  response.version(kHttp11);
  response.result(refusal.status);
  // RFC 9110 §15.5.6: "The origin server MUST generate an Allow header field in a 405".
  if (refusal.status == 405) response.set(http::field::allow, "CONNECT");
  response.set(http::field::connection, "close");
  response.set(http::field::content_type, "text/plain; charset=utf-8");
  response.set(kProxyStatus, ProxyStatus(refusal, proxy));
  response.body() = refusal.message + "\n";
  response.prepare_payload();
  return Serialize(response);
}

}  // namespace detach
