#!/usr/bin/env python3
"""A FIN of one inner end reaches the other one, and what that one still has to say comes back.

Without this a client that says "I am done asking" (HTTP/1.0, rsync, git) loses the answer.
"""

import os
import unittest

from inner_tls import ending
from proxies import needs_outer_tls13
from tunnel_case import TunnelCase

ANSWER = os.urandom(3_000_000)  # more than the sockets' buffers hold

ENDS_BOTH = "a close_notify ends both directions at once (RFC 5246 §7.2.1)"


class TunnelHalfCloseKeepsTheOtherDirectionFlowingTest(TunnelCase):
    def setUp(self):
        super().setUp()
        self.destinations = self.listener()
        port = self.destinations.getsockname()[1]
        self.client, self.wire, self.reverse = self.both_proxies(port)

    def check_raw(self, first, second):
        """`first` half-closes when both directions are raw; `second` answers."""
        first.write(b"the last words")
        self.assertEqual(second.read(14), b"the last words")
        # OpenSSL 3.5 writes nothing more once it has met an end without this alert.
        first.socket.sendall(first.close_notify())
        first.fin()
        self.assertEqual(second.read(1), b"")
        self.answer(second.write, lambda: first.read(len(ANSWER)))
        second.fin()
        self.assertEqual(first.ending(), "FIN")
        self.check_logs(lambda ended: ended["raw_up"] and ended["raw_down"])

    def check_covered(self, first, second):
        """The same with what is no TLS, which stays under cover."""
        first.sendall(b"the last words")
        first.shutdown(1)
        self.assertEqual(second.makefile("rb").read(), b"the last words")
        self.answer(second.sendall, lambda: first.makefile("rb").read(len(ANSWER)))
        second.shutdown(1)
        self.assertEqual(ending(first), "FIN")
        self.check_logs(lambda ended: not ended["raw_up"] + ended["raw_down"])

    def answer(self, write, read):
        with self.in_background(write, ANSWER):
            self.assertTrue(read() == ANSWER, "the answer came back as another one")

    def check_logs(self, holds):
        for proxy in (self.client, self.reverse):
            ended = proxy.event("tunnel_end")
            self.assertEqual(ended["ending"], "closed")
            self.assertTrue(holds(ended), ended)

    def test_raw_and_the_browser_is_first(self):
        self.check_raw(*self.tls_ends(self.client.port, self.destinations))

    def test_raw_and_the_destination_is_first(self):
        self.check_raw(*reversed(self.tls_ends(self.client.port, self.destinations)))

    @needs_outer_tls13(ENDS_BOTH)
    def test_covered_and_the_browser_is_first(self):
        self.check_covered(*self.plain_ends(self.client.port, self.destinations))

    @needs_outer_tls13(ENDS_BOTH)
    def test_covered_and_the_destination_is_first(self):
        self.check_covered(*reversed(self.plain_ends(self.client.port, self.destinations)))


if __name__ == "__main__":
    unittest.main()
