#!/usr/bin/env python3
"""An RST of an inner end, or of an attacker between the proxies, reaches the inner ends as RST.

Without this a connection that was cut looks like one that ended: truncated answers pass for whole.
"""

import unittest

from inner_tls import ending
from tcp_relay import reset
from tunnel_case import TunnelCase


class TunnelPassesAResetOnAsAResetTest(TunnelCase):
    def setUp(self):
        super().setUp()
        self.destinations = self.listener()

    def start_proxies(self):
        port = self.destinations.getsockname()[1]
        self.client, self.wire, self.reverse = self.both_proxies(port)

    def raw_ends(self):
        ends = self.tls_ends(self.client.port, self.destinations)
        for writer, reader in (ends, reversed(ends)):
            writer.write(b"raw")
            self.assertEqual(reader.read(3), b"raw")
        return ends

    def covered_ends(self):
        browser, destination = self.plain_ends(self.client.port, self.destinations)
        browser.sendall(b"SSH-2.0-client\r\n")
        self.assertEqual(destination.recv(100), b"SSH-2.0-client\r\n")
        return browser, destination

    def check_endings(self, client, reverse):
        self.assertIn(client, self.client.event("tunnel_end")["ending"])
        self.assertIn(reverse, self.reverse.event("tunnel_end")["ending"])

    def test_raw_from_the_browser(self):
        self.start_proxies()
        browser, destination = self.raw_ends()
        browser.reset()
        self.assertEqual(destination.ending(), "RST")
        self.check_endings("reset by the browser", "reset by the client")

    def test_raw_from_the_destination(self):
        self.start_proxies()
        browser, destination = self.raw_ends()
        destination.reset()
        self.assertEqual(browser.ending(), "RST")
        self.check_endings("reset by the reverse proxy", "reset by the destination")

    def test_covered_from_the_browser(self):
        self.start_proxies()
        browser, destination = self.covered_ends()
        reset(browser)
        self.assertEqual(ending(destination), "RST")
        self.check_endings("reset", "reset")

    def test_covered_from_the_destination(self):
        self.start_proxies()
        browser, destination = self.covered_ends()
        reset(destination)
        self.assertEqual(ending(browser), "RST")
        self.check_endings("reset", "reset")

    def test_covered_and_cut_by_rst_on_the_wire(self):
        self.start_proxies()
        browser, destination = self.covered_ends()
        connection = self.wire.connection()
        connection.request(connection.reset)
        self.assertEqual((ending(browser), ending(destination)), ("RST", "RST"))
        self.check_endings("reset", "reset")

    def test_covered_and_cut_by_fin_on_the_wire(self):
        """A FIN where close_notify was due is a truncation, not an end."""
        for direction in ("up", "down"):
            with self.subTest(direction):
                self.start_proxies()
                browser, destination = self.covered_ends()
                connection = self.wire.connection()
                connection.request(getattr(connection, direction).finish)
                self.assertEqual((ending(browser), ending(destination)), ("RST", "RST"))


if __name__ == "__main__":
    unittest.main()
