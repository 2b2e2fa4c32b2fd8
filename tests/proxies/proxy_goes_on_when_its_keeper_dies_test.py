#!/usr/bin/env python3
"""A keeper that is killed ends no tunnel; new ones fail and say why, until the next keeper is there.

Without this a keeper that crashes takes every user's connection with it, or leaves an operator
to guess why nobody can make a new one.
"""

import unittest

from kept_case import KeptCase


class ProxyGoesOnWhenItsKeeperDiesTest(KeptCase):
    def setUp(self):
        super().setUp()
        self.destination = self.listener()
        self.port = self.destination.getsockname()[1]

    def tunnel(self, client):
        return self.tls_ends(client.port, self.destination)

    def check(self, client, failing):
        """Of `failing`'s log: it names the socket."""
        tunnel = self.tunnel(client)
        self.keeper.kill()
        with self.assertRaisesRegex(AssertionError, "HTTP/1.1 502"):
            self.plain_ends(client.port, self.destination)
        reason = failing.event("refused")["reason"]
        self.assertIn(f"{self.keeper.socket}: Connection refused", reason)
        self.check_that_it_passes_bytes(*tunnel)
        self.keeper = self.start_keeper()
        self.check_that_it_passes_bytes(*self.tunnel(client))
        self.check_that_it_passes_bytes(*tunnel)

    def test_of_the_reverse_proxy(self):
        client, _, reverse = self.both_proxies(self.port, reverse=self.kept_reverse())
        self.check(client, reverse)

    def test_of_the_client_proxy(self):
        client, _, _ = self.both_proxies(self.port, client=self.kept_client())
        self.check(client, client)

    def test_of_the_client_proxy_before_its_first_handshake(self):
        client, _, _ = self.both_proxies(self.port, client=self.kept_client())
        client.event("listening")
        self.keeper.kill()
        with self.assertRaisesRegex(AssertionError, "HTTP/1.1 502"):
            self.plain_ends(client.port, self.destination)
        self.assertIn(f"{self.keeper.socket}: ", client.event("refused")["reason"])
        self.start_keeper()
        self.check_that_it_passes_bytes(*self.tunnel(client))


if __name__ == "__main__":
    unittest.main()
