#!/usr/bin/env python3
"""The client proxy uses the certificates that the user has in the browser, while the browser runs.

Without this a user needs another copy of the private key, in a file, for the proxy alone.
"""

import signal
import unittest

import browsers
import proxies
from browser_case import WIKI, BrowserCase
from browsers import PageError
from resources import wait_until


class ClientSharesTheCertificatesOfTheBrowserTest(BrowserCase):
    def check(self, browser, find_database, uri):
        database = self.make_database(browser, find_database)
        client = self.client_of_home(uri)
        running = self.start(browser(self.home, browsers.pac(client.port, WIKI)))
        self.check_that_it_shows_both_certificates(running)
        self.check_that_one_that_is_added_counts(running, database)
        self.check_list(client, database)
        running.close()

    def check_that_it_shows_both_certificates(self, running):
        self.assertEqual(running.browse(self.url).strip(), f"CN=bob TLSv1.3 {WIKI}")
        self.reverse.event("tunnel_end", client=proxies.ALICE, mode="covered")

    def check_that_one_that_is_added_counts(self, running, database):
        """Neither of the running programs is told."""
        self.make_certificate("carol")
        self.reverse.write_config(proxies.reverse_config(self.pki, [], allow=self.allow("DNS:localhost"), tls={
            "client_trust_anchors": str(self.own_certificates / "carol.crt"), "crl": "none"}))
        self.reverse.signal(signal.SIGHUP)
        self.reverse.event("reloaded")
        with self.assertRaises(PageError):
            running.browse(self.url)
        self.add_own(database, "carol")

        def arrives():
            try:
                return running.browse(self.url).startswith("CN=bob")
            except PageError:
                return False  # the keeper looks once a second

        wait_until(arrives, "the page, with the new certificate")
        self.reverse.event("tunnel_end", client="DNS:localhost", mode="covered")

    def check_list(self, client, database):
        ran = self.identities_command(client, "--for", f"https://localhost:{self.reverse.port}")
        self.assertEqual(ran.returncode, 0, ran.stderr)
        for name, verdict in (("alice", "not this one: it is issued by CN=Test client issuer"),
                              ("bob", "not this one: it is issued by CN=bob"),
                              ("carol", "this one")):
            self.assertRegex(ran.stdout, rf"(?m)^CN={name}\n(  .*\n)*  key in +browser:{database.folder}"
                                         rf".*in the keeper\n(  .*\n)*  choice +{verdict}$")

    def test_of_chromium(self):
        self.check(browsers.Chromium, browsers.chromium_database, "browser:chromium")

    def test_of_firefox(self):
        self.check(browsers.Firefox, browsers.firefox_database, "browser:firefox")


if __name__ == "__main__":
    unittest.main()
