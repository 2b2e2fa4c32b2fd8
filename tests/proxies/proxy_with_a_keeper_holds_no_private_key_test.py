#!/usr/bin/env python3
"""Proxies whose identities are in a keeper make tunnels, and have no number of a key in memory.

The same search finds them where the proxies read the keys themselves: so it can fail. Without this
whoever breaks into the reverse proxy takes its key with him.
"""

import subprocess
import unittest

import proxies
from kept_case import KeptCase
from private_key import components, found_in
from processes import PATIENCE

HANDSHAKES = 50


class ProxyWithAKeeperHoldsNoPrivateKeyTest(KeptCase):
    def tunnels(self, client, listener, count):
        for _ in range(count):
            browser, destination = self.tls_ends(client.port, listener)
            self.check_that_it_passes_bytes(browser, destination)

    def found(self, client, reverse, listener, count):
        """The numbers of its own key that each proxy has in memory, after so many tunnels."""
        self.tunnels(client, listener, count)
        return [found_in(proxy.pid, components(self.pki / key))
                for proxy, key in ((client, "client.pem"), (reverse, "server.pem"))]

    def test_no_number_of_the_keys_is_in_memory(self):
        listener = self.listener()
        client, reverse = self.kept_proxies(listener.getsockname()[1])
        self.assertEqual(self.found(client, reverse, listener, HANDSHAKES), [set(), set()])
        modes = {end["mode"] for proxy in (client, reverse) for end in proxy.events("tunnel_end")}
        self.assertLessEqual(modes, {"covered"})

    def test_the_search_finds_what_is_read_from_files(self):
        listener = self.listener()
        client, _, reverse = self.both_proxies(listener.getsockname()[1])
        for found in self.found(client, reverse, listener, 2):
            self.assertTrue(found)

    def test_all_identities_of_the_keeper_are_the_clients_database(self):
        listener = self.listener()
        client, _, _ = self.both_proxies(listener.getsockname()[1], reverse=self.kept_reverse(),
                                         client=self.kept_client("identity:"))
        self.tunnels(client, listener, 1)
        ran = subprocess.run([proxies.CLIENT_PROXY, "identities", "--config", client.config_file],
                             capture_output=True, text=True, timeout=PATIENCE, check=True)
        self.assertIn("  key in       identity:alice, in the keeper\n", ran.stdout)
        self.assertNotIn("web", ran.stdout)


if __name__ == "__main__":
    unittest.main()
