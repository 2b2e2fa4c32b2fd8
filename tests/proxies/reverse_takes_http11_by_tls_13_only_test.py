#!/usr/bin/env python3
"""Nothing but http/1.1, or no ALPN; by TLS 1.3, unless TLS 1.2 is switched on.

Without this a browser that was led astray speaks HTTP/2 to it, or a certificate travels in clear.
"""

import ssl
import unittest

from proxies import TLS12_ONLY, needs_outer_tls13
from raw_client import alice_context, connected
from tunnel_case import TunnelCase

NEWEST = "TLSv1.2" if TLS12_ONLY else "TLSv1.3"


class ReverseTakesHttp11ByTls13OnlyTest(TunnelCase):
    def setUp(self):
        super().setUp()
        self.destination = self.listener()
        self.target = f"localhost:{self.destination.getsockname()[1]}"

    def start_reverse(self, **changes):
        self.reverse = self.reverse_proxy(self.destination.getsockname()[1], **changes)

    def tunnel(self, *, alpn=(), maximum=ssl.TLSVersion.TLSv1_3):
        """What the two have agreed on: the version, and the protocol by ALPN; or the alert."""
        context = alice_context(self.pki)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.maximum_version = maximum
        if alpn:
            context.set_alpn_protocols(alpn)
        try:
            with connected(self.reverse.port, context) as end:
                end.sendall(f"CONNECT {self.target} HTTP/1.1\r\nHost: {self.target}\r\n\r\n".encode())
                self.assertTrue(end.recv(4096).startswith(b"HTTP/1.1 200 "))
                return end.version(), end.selected_alpn_protocol()
        except ssl.SSLError as error:
            return str(error)

    def test_alpn(self):
        self.start_reverse()
        self.assertEqual(self.tunnel(), (NEWEST, None))
        self.assertEqual(self.tunnel(alpn=["http/1.1"]), (NEWEST, "http/1.1"))
        self.assertEqual(self.tunnel(alpn=["h2", "http/1.1"]), (NEWEST, "http/1.1"))
        for number, wrong in enumerate((["h2"], ["http/1.0"], ["acme-tls/1", "h3"]), 1):
            with self.subTest(wrong):
                self.assertIn("alert no application protocol", self.tunnel(alpn=wrong))
                refused = self.reverse.wait_for_events("refused", number)[-1]
                self.assertIn("application protocol", refused["reason"])

    @needs_outer_tls13("there is no other to switch off")
    def test_tls12(self):
        self.start_reverse()
        old = {"maximum": ssl.TLSVersion.TLSv1_2}
        self.assertIn("alert protocol version", self.tunnel(**old))
        self.assertRegex(self.reverse.event("refused", stage="handshake")["reason"],
                         "protocol|legacy Client Hello")
        self.start_reverse(tls={"min_version": "1.2"}, detach={"modes": ["connect"]})
        self.assertEqual(self.tunnel(**old), ("TLSv1.2", None))


if __name__ == "__main__":
    unittest.main()
