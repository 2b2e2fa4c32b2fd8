#!/usr/bin/env python3
"""In connect mode anything but a ClientHello, and any byte of the destination's, ends the offer.

Without this plain HTTP, or an SSH session, would cross the wire in clear.
"""

import unittest

import tls_records
from inner_tls import ending
from tunnel_case import TunnelCase

CONNECT_ONLY = {"detach": {"modes": ["connect"]}}
REQUEST = b"GET /secret HTTP/1.0\r\n\r\n"
BANNER = b"SSH-2.0-secret\r\n"


class TunnelInConnectModeDetachesForNothingButTlsTest(TunnelCase):
    def setUp(self):
        super().setUp()
        destinations = self.listener()
        self.client, self.wire, self.reverse = self.both_proxies(
            destinations.getsockname()[1], reverse=CONNECT_ONLY, client=CONNECT_ONLY)
        self.browser, self.destination = self.plain_ends(self.client.port, destinations)

    def check_nothing_was_raw(self):
        self.browser.shutdown(1)
        self.assertEqual(ending(self.destination), "FIN")
        self.destination.shutdown(1)
        self.assertEqual(ending(self.browser), "FIN")
        wire = self.wire.finished_connection()
        for flow in (wire.up, wire.down):
            tls_records.walk(flow.received)
            self.assertNotIn(b"secret", flow.received)
        for proxy in (self.client, self.reverse):
            ended = proxy.event("tunnel_end")
            self.assertEqual((ended["mode"], ended["raw_up"], ended["raw_down"]), ("connect", 0, 0))

    def pass_on(self, sender, receiver, message):
        sender.sendall(message)
        self.assertEqual(receiver.recv(1000), message)

    def test_plain_http(self):
        self.pass_on(self.browser, self.destination, REQUEST)
        self.pass_on(self.destination, self.browser, b"HTTP/1.0 200 secret\r\n\r\n")
        self.check_nothing_was_raw()

    def test_a_destination_that_speaks_first(self):
        self.pass_on(self.destination, self.browser, BANNER)
        self.pass_on(self.browser, self.destination, BANNER)
        self.check_nothing_was_raw()

    def test_a_client_hello_behind_what_the_destination_said(self):
        self.pass_on(self.destination, self.browser, BANNER)
        self.pass_on(self.browser, self.destination, b"\x16\x03\x01\x00\x06\x01secret")
        self.check_nothing_was_raw()

    def test_a_client_hello_behind_other_bytes(self):
        self.pass_on(self.browser, self.destination, REQUEST)
        self.pass_on(self.browser, self.destination, b"\x16\x03\x01\x00\x06\x01secret")
        self.check_nothing_was_raw()


if __name__ == "__main__":
    unittest.main()
