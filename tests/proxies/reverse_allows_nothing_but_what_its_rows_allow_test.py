#!/usr/bin/env python3
"""Default deny: a client gets to the destinations of its rows, and names lead to its networks only.

Without this every client certificate opens the whole internal network.
"""

import unittest

from curl import curl
from inner_tls import accept
from proxies import ALICE
from tunnel_case import TunnelCase

LOOPBACK = ["127.0.0.0/8", "::1/128"]


class ReverseAllowsNothingButWhatItsRowsAllowTest(TunnelCase):
    def setUp(self):
        super().setUp()
        self.destinations = self.listener()
        self.port = self.destinations.getsockname()[1]

    def ask(self, allow, target="localhost"):
        """The status and the explanation that alice's curl gets, and what the log says."""
        reverse = self.reverse_proxy(allow=allow)
        ran = curl("--proxy", f"https://localhost:{reverse.port}",
                   "--proxy-cacert", self.pki / "server-ca.pem",
                   "--proxy-cert", self.pki / "client.crt",
                   "--proxy-key", self.pki / "client.key", "--proxytunnel",
                   "--write-out", "%{http_connect}", "--output", "/dev/null",
                   f"http://{target}:{self.port}/")
        return int(ran.stdout), reverse

    def row(self, *, client=ALICE, destinations=None, networks=tuple(LOOPBACK)):
        row = {"client": client, "destinations": destinations or [f"localhost:{self.port}"]}
        return {**row, "networks": list(networks)} if networks else row

    def check_refused(self, allow, why, target="localhost"):
        status, reverse = self.ask(allow, target)
        refused = reverse.event("refused")
        self.assertEqual((status, refused["status"]), (403, 403))
        self.assertEqual(refused["client"], ALICE)
        self.assertIn(why, refused["reason"])

    def test_no_rows(self):
        self.check_refused([], "no allow row")

    def test_a_row_of_somebody_else(self):
        self.check_refused([self.row(client="URI:spiffe://corp.example/bob")], "no allow row")

    def test_another_port(self):
        self.check_refused([self.row(destinations=[f"localhost:{self.port ^ 1}"])], "no allow row")

    def test_another_name_of_the_same_machine(self):
        self.check_refused([self.row()], "no allow row", target="127.0.0.1")

    def test_a_name_that_leads_to_loopback_where_no_row_says_that_it_may(self):
        self.check_refused([self.row(networks=None)], "127.0.0.1")

    def test_a_name_that_leads_out_of_its_networks(self):
        self.check_refused([self.row(networks=["10.0.0.0/8"])], "127.0.0.1")

    def test_what_a_row_allows(self):
        for client in (ALICE, "EMAIL:alice@corp.example", "*"):
            with self.subTest(client), self.in_background(
                    lambda: accept(self.destinations).close()):
                self.assertEqual(self.ask([self.row(client=client)])[0], 200)


if __name__ == "__main__":
    unittest.main()
