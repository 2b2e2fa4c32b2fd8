#!/usr/bin/env python3
"""One well-formed CONNECT, and nothing behind it: everything else is refused, and nothing dialled.

Without this two parsers of one request disagree, and the bytes of an attacker, which a client sent
ahead of the answer, become a request with that client's certificate (RFC 9931).
"""

import unittest

import inner_tls
from raw_client import Answer, alice_context, ask, connected, read_answer
from tunnel_case import TunnelCase

HEAD = "CONNECT {target} HTTP/1.1\r\nHost: {target}\r\n"

# What it is, the request, the status, what the reason says.
CASES = (
    ("another method", "GET http://{target}/ HTTP/1.1\r\nHost: {target}\r\n\r\n", 405, "CONNECT"),
    ("a method in small letters", "connect {target} HTTP/1.1\r\nHost: {target}\r\n\r\n", 405,
     "CONNECT"),
    ("HTTP/1.0", "CONNECT {target} HTTP/1.0\r\nHost: {target}\r\n\r\n", 505, "HTTP/1.1"),
    ("HTTP/2.0", "CONNECT {target} HTTP/2.0\r\nHost: {target}\r\n\r\n", 505, "HTTP/1.1"),
    ("no version", "CONNECT {target}\r\nHost: {target}\r\n\r\n", 400, "not well-formed"),
    ("the preface of HTTP/2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505, "HTTP/1.1"),
    ("no Host", "CONNECT {target} HTTP/1.1\r\n\r\n", 400, "Host"),
    ("two Hosts", HEAD + "Host: {target}\r\n\r\n", 400, "Host"),
    ("another Host", "CONNECT {target} HTTP/1.1\r\nHost: other.example:443\r\n\r\n", 400, "Host"),
    ("another port in Host", "CONNECT {target} HTTP/1.1\r\nHost: localhost:1\r\n\r\n", 400, "Host"),
    ("an empty Host", "CONNECT {target} HTTP/1.1\r\nHost:\r\n\r\n", 400, "Host"),
    ("a length of nothing", HEAD + "Content-Length: 0\r\n\r\n", 400, "no body"),
    ("a body", HEAD + "Content-Length: 4\r\n\r\nbody", 400, ""),
    ("a body in chunks", HEAD + "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400, ""),
    ("two lengths of a body", HEAD + "Content-Length: 0\r\nTransfer-Encoding: chunked\r\n\r\n",
     400, ""),
    ("a folded field", HEAD + "X: a\r\n b\r\n\r\n", 400, "byte"),
    ("lines that end in LF", "CONNECT {target} HTTP/1.1\nHost: {target}\n\n", 400, "byte"),
    ("a CR within a line", HEAD + "X: a\rb\r\n\r\n", 400, "byte"),
    ("an LF within a line", HEAD + "X: a\nHost: b\r\n\r\n", 400, "byte"),
    ("a NUL", HEAD + "X: a\0b\r\n\r\n", 400, "byte"),
    ("a tab", HEAD + "X:\ta\r\n\r\n", 400, "byte"),
    ("a byte beyond ASCII", HEAD + "X: \u00e9\r\n\r\n", 400, "byte"),
    ("a field without a colon", HEAD + "X\r\n\r\n", 400, "not well-formed"),
    ("a field without a name", HEAD + ": a\r\n\r\n", 400, "not well-formed"),
    ("a space before the colon", HEAD + "X : a\r\n\r\n", 400, "not well-formed"),
    ("two spaces in the request line", "CONNECT  {target} HTTP/1.1\r\nHost: {target}\r\n\r\n", 400,
     ""),
    ("a space before the request line", " CONNECT {target} HTTP/1.1\r\nHost: {target}\r\n\r\n",
     400, ""),
    ("a space behind the request line", "CONNECT {target} HTTP/1.1 \r\nHost: {target}\r\n\r\n", 505,
     ""),
    ("an empty line before the request", "\r\n" + HEAD + "\r\n", 400, "not well-formed"),
    ("a URL as target", "CONNECT https://{target} HTTP/1.1\r\nHost: {target}\r\n\r\n", 400,
     "host:port"),
    ("a path as target", "CONNECT / HTTP/1.1\r\nHost: {target}\r\n\r\n", 400, "host:port"),
    ("a user in the target", "CONNECT a@{target} HTTP/1.1\r\nHost: a@{target}\r\n\r\n", 400,
     "host name"),
    ("no port", "CONNECT localhost HTTP/1.1\r\nHost: localhost\r\n\r\n", 400, "port"),
    ("port 0", "CONNECT localhost:0 HTTP/1.1\r\nHost: localhost:0\r\n\r\n", 400, "port"),
    ("port 65536", "CONNECT localhost:65536 HTTP/1.1\r\nHost: localhost:65536\r\n\r\n", 400,
     "port"),
    ("a leading zero in the port", "CONNECT localhost:0443 HTTP/1.1\r\nHost: localhost:0443\r\n\r\n",
     400, "port"),
    ("no host", "CONNECT :443 HTTP/1.1\r\nHost: :443\r\n\r\n", 400, "host name"),
    ("too many fields", HEAD + "X: a\r\n" * 64 + "\r\n", 431, "too many fields"),
    ("a header over 8 KiB", HEAD + "X: " + "a" * 8192 + "\r\n\r\n", 431, "too long"),
    ("a request line over 8 KiB", "CONNECT " + "a" * 8192, 431, "too long"),
    ("two requests in one segment", (HEAD + "\r\n") * 2, 400, "before it was answered"),
    ("bytes of the tunnel before the answer", HEAD + "\r\n\x16\x03\x01", 400,
     "before it was answered"),
    ("TLS where none is", "\x16\x03\x01\x00\x05\x01", 400, "byte"),
)


class ProxyRefusesMalformedRequestsTest(TunnelCase):
    def setUp(self):
        super().setUp()
        self.destination = self.listener()
        self.destination.setblocking(False)
        self.target = f"localhost:{self.destination.getsockname()[1]}"

    def check(self, proxy, answer: Answer, status, why, number):
        self.assertEqual((answer.status, answer.fields["connection"]), (status, "close"))
        self.assertEqual(answer.rest, b"")
        self.assertIn(why, answer.body)
        self.assertNotIn("access-control-allow-origin", answer.fields)
        refused = proxy.wait_for_events("refused", number)[-1]
        self.assertEqual(refused["status"], status)
        self.assertEqual(answer.body.strip(), refused["reason"])
        with self.assertRaises(BlockingIOError, msg="something was dialled"):
            self.destination.accept()

    def check_all(self, proxy, context):
        for number, (what, request, status, why) in enumerate(CASES, 1):
            with self.subTest(what):
                request = request.replace("{target}", self.target).encode("latin-1")
                answer = ask(proxy.port, request, context)
                self.check(proxy, answer, status, why, number)

    def test_the_reverse_proxy(self):
        port = self.destination.getsockname()[1]
        self.check_all(self.reverse_proxy(port), alice_context(self.pki))

    def test_the_client_proxy(self):
        self.check_all(self.client_proxy(9, mapping={"hosts": ["other.example"]}), None)

    def test_the_reverse_proxy_and_a_second_request_in_a_record_of_its_own(self):
        reverse = self.reverse_proxy(self.destination.getsockname()[1])
        request = (HEAD + "\r\n").replace("{target}", self.target).encode()
        with connected(reverse.port) as end:
            client = inner_tls.TlsEnd(end, alice_context(self.pki), server_name="localhost")
            client.handshake()
            client.write_records(request, request)
            client.recv = lambda size: client.read(size)
            self.check(reverse, read_answer(client), 400, "before it was answered", 1)


if __name__ == "__main__":
    unittest.main()
