#!/usr/bin/env python3
"""With Botan, which knows no OpenSSL provider, the client proxy asks the keeper itself.

Over whatever version of TLS this Botan has; TLS 1.2 is signed only where the keeper's
configuration allows it.
"""

import unittest

from kept_case import KeptCase
from proxies import TLS12_ONLY


class ClientSignsByItsKeeperTest(KeptCase):
    def setUp(self):
        super().setUp()
        self.destination = self.listener()

    def start_client(self):
        client, _, _ = self.both_proxies(self.destination.getsockname()[1],
                                         client=self.kept_client())
        return client

    def allow(self):
        self.keeper.kill()
        self.keeper = self.start_keeper(unsafe_tls12=TLS12_ONLY)

    def test_its_tunnels_pass_bytes(self):
        self.allow()
        client = self.start_client()
        self.check_that_it_passes_bytes(*self.tls_ends(client.port, self.destination))

    def test_a_keeper_that_is_gone_is_named(self):
        self.allow()
        client = self.start_client()
        client.event("listening")
        self.keeper.kill()
        with self.assertRaisesRegex(AssertionError, "HTTP/1.1 502"):
            self.plain_ends(client.port, self.destination)
        self.assertIn(f"{self.keeper.socket}: Connection refused",
                      client.event("refused")["reason"])

    @unittest.skipUnless(TLS12_ONLY, "this Botan has TLS 1.3")
    def test_not_tls_1_2_unless_it_is_switched_on(self):
        client = self.start_client()
        with self.assertRaisesRegex(AssertionError, "HTTP/1.1 502"):
            self.plain_ends(client.port, self.destination)
        self.assertIn("signs for TLS 1.3 only", client.event("refused")["reason"])


if __name__ == "__main__":
    unittest.main()
