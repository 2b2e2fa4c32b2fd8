#!/usr/bin/env python3
"""A keeper that hangs fails handshakes after four seconds, with what is wrong, and breaks nothing.

Without this a proxy waits with it, for ever, and its log says nothing that explains it.
"""

import os
import signal
import unittest

from kept_case import OwnKeeperCase, keepers_of


class ProxyGivesUpOnAKeeperThatHangsTest(OwnKeeperCase):
    def setUp(self):
        super().setUp()
        self.destination = self.listener()
        self.port = self.destination.getsockname()[1]

    def check(self, client, failing):
        """Of `failing`'s log."""
        tunnel = self.tls_ends(client.port, self.destination)
        keeper, = keepers_of(failing)
        os.kill(keeper, signal.SIGSTOP)
        self.addCleanup(os.kill, keeper, signal.SIGCONT)
        with self.assertRaisesRegex(AssertionError, "HTTP/1.1 50[24]"):
            self.plain_ends(client.port, self.destination)
        self.assertIn("the keeper of this proxy: has not answered for four seconds",
                      failing.event("refused")["reason"])
        self.check_that_it_passes_bytes(*tunnel)
        os.kill(keeper, signal.SIGCONT)
        self.check_that_it_passes_bytes(*self.tls_ends(client.port, self.destination))
        self.check_that_it_passes_bytes(*tunnel)

    def test_of_the_reverse_proxy(self):
        client, _, reverse = self.both_proxies(self.port, reverse=self.own_reverse())
        self.check(client, reverse)

    def test_of_the_client_proxy(self):
        client, _, _ = self.both_proxies(self.port, client=self.own_client())
        self.check(client, client)


if __name__ == "__main__":
    unittest.main()
