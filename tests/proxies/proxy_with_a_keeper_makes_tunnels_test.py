#!/usr/bin/env python3
"""Proxies whose identities are in a keeper make the same tunnels as with keys of their own.

Without this nobody would put the keys there.
"""

import subprocess
import unittest

import proxies
from kept_case import KeptCase
from processes import PATIENCE


class ProxyWithAKeeperMakesTunnelsTest(KeptCase):
    def test_that_pass_bytes_under_cover_and_raw(self):
        listener = self.listener()
        client, reverse = self.kept_proxies(listener.getsockname()[1])
        for _ in range(3):
            self.check_that_it_passes_bytes(*self.tls_ends(client.port, listener))
        modes = {end["mode"] for proxy in (client, reverse) for end in proxy.events("tunnel_end")}
        self.assertLessEqual(modes, {proxies.MODE})

    def test_all_identities_of_the_keeper_are_the_clients_database(self):
        listener = self.listener()
        client, _, _ = self.both_proxies(listener.getsockname()[1], reverse=self.kept_reverse(),
                                         client=self.kept_client("identity:"))
        self.check_that_it_passes_bytes(*self.tls_ends(client.port, listener))
        ran = subprocess.run([proxies.CLIENT_PROXY, "identities", "--config", client.config_file],
                             capture_output=True, text=True, timeout=PATIENCE, check=True)
        self.assertIn(f"  key in       file:{self.pki}/client.pem, in the keeper\n", ran.stdout)
        self.assertNotIn("web", ran.stdout)


if __name__ == "__main__":
    unittest.main()
