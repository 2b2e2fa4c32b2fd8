#!/usr/bin/env python3
"""SIGHUP: new connections follow the new file; tunnels stay; of a bad file nothing is taken.

Without this a new allow row costs every user his connections, and a typing error all of them.
"""

import signal
import unittest

import proxies
from tunnel_case import TunnelCase


class ProxyReloadsItsConfigurationTest(TunnelCase):
    def setUp(self):
        super().setUp()
        self.old, self.new = self.listener(), self.listener()
        self.ports = [end.getsockname()[1] for end in (self.old, self.new)]

    def start_proxies(self, **options):
        self.client, _, self.reverse = self.both_proxies(*self.ports[:1], **options)

    def check_that_it_passes_bytes(self, browser, destination):
        for writer, reader in ((browser, destination), (destination, browser)):
            writer.write(b"raw bytes")
            self.assertEqual(reader.read(9), b"raw bytes")

    def check_refused(self, listener, status):
        with self.assertRaisesRegex(AssertionError, f"HTTP/1.1 {status}"):
            self.plain_ends(self.client.port, listener)

    def test_the_reverse_proxy_takes_a_new_row(self):
        self.start_proxies()
        tunnel = self.tls_ends(self.client.port, self.old)
        self.check_refused(self.new, 403)

        self.reverse.write_config(proxies.reverse_config(self.pki, self.ports))
        self.reverse.signal(signal.SIGHUP)
        self.reverse.event("reloaded")

        self.check_that_it_passes_bytes(*self.tls_ends(self.client.port, self.new))
        self.check_that_it_passes_bytes(*tunnel)

    def test_the_reverse_proxy_keeps_the_old_configuration_when_the_file_is_bad(self):
        self.start_proxies()
        tunnel = self.tls_ends(self.client.port, self.old)
        self.reverse.write_config(proxies.reverse_config(self.pki, self.ports[1:], colour="red"))
        self.reverse.signal(signal.SIGHUP)
        failed = self.reverse.event("reload_failed")
        self.assertRegex(failed["reason"], rf"^{self.reverse.config_file}:\d+:\d+: .*colour")
        self.check_that_it_passes_bytes(*tunnel)
        self.check_that_it_passes_bytes(*self.tls_ends(self.client.port, self.old))
        self.check_refused(self.new, 403)

    def test_the_client_proxy_takes_a_new_identity(self):
        bob = [f"file:{self.pki}/other-client.pem"]
        self.start_proxies(client={"identities": bob})
        self.check_refused(self.old, 403)
        url = {"url": f"https://localhost:{self.reverse.port}"}
        self.client.write_config(proxies.client_config(self.pki, 0, reverse_proxy=url))
        self.client.signal(signal.SIGHUP)
        self.client.event("reloaded")
        self.check_that_it_passes_bytes(*self.tls_ends(self.client.port, self.old))


if __name__ == "__main__":
    unittest.main()
