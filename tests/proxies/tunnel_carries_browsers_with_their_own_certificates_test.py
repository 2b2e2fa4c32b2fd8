#!/usr/bin/env python3
"""Chromium and Firefox reach a server that demands a certificate, each with the one in its database.

Without this the proxies work with the browsers of test suites only: real ones hang up in the middle
of their first handshake, when they learn that a certificate is wanted, and come again.
"""

import unittest

import browsers
from keeper import openssl
from proxies import ALICE
from tunnel_case import TunnelCase

WIKI = "wiki.corp.example"  # the reverse proxy alone knows where it is


class TunnelCarriesBrowsersWithTheirOwnCertificatesTest(TunnelCase):
    def setUp(self):
        super().setUp()
        self.home = self.directory / "home"
        self.home.mkdir()
        self.destination = self.nginx()
        hosts = self.directory / "hosts"
        hosts.write_text(f"127.0.0.1 localhost {WIKI}\n")
        row = {"client": ALICE, "destinations": [f"{WIKI}:{self.destination.port}"],
               "networks": ["127.0.0.0/8"]}
        self.reverse = self.reverse_proxy(
            allow=[row], env={"LD_PRELOAD": "libnss_wrapper.so", "NSS_WRAPPER_HOSTS": str(hosts)})
        self.client = self.client_proxy(self.reverse.port, mapping={"hosts": [WIKI]})

    def make_database(self, browser, database):
        """As a user does: the first visit to a server, refused, and then the imports."""
        with browser(self.home) as first:
            with self.assertRaises(browsers.PageError):
                first.browse(f"https://localhost:{self.destination.port}/")
            first.close()
        pkcs12 = self.directory / "bob.p12"
        openssl("pkcs12", "-export", "-in", self.pki / "other-client.pem", "-out", pkcs12,
                "-passout", "pass:import")
        browsers.trust_authority(database(self.home), self.pki / "server-ca.pem")
        browsers.import_certificate(database(self.home), pkcs12, "import")

    def check(self, browser, database):
        self.make_database(browser, database)
        running = self.start(browser(self.home, browsers.pac(self.client.port, WIKI)))
        page = running.browse(f"https://{WIKI}:{self.destination.port}/")
        running.close()
        self.assertEqual(page.strip(), f"CN=bob TLSv1.3 {WIKI}")
        self.reverse.event("tunnel_end", client=ALICE, mode="covered")

    def test_chromium(self):
        self.check(browsers.Chromium, browsers.chromium_database)

    def test_firefox(self):
        self.check(browsers.Firefox, browsers.firefox_database)


if __name__ == "__main__":
    unittest.main()
