#!/usr/bin/env python3
"""Squid, tinyproxy, HAProxy between the two proxies, as they are: they pass bytes, so it detaches.

Without this it works in a laboratory, and nowhere where a company's network begins.
"""

import unittest

from curl import INNER_NAME, as_bob, curl, through
from intermediaries import Haproxy, Squid, Tinyproxy
from tunnel_case import TunnelCase
from wire_checks import check_covered_tunnel

SIZE = 3_000_000


class TunnelDetachesThroughWhateverStandsInBetweenTest(TunnelCase):
    def setUp(self):
        super().setUp()
        self.nginx_program = self.nginx()
        self.body = bytes(range(256)) * (SIZE // 256)
        (self.nginx_program.files / "large").write_bytes(self.body)
        self.inner = self.relay_to(self.nginx_program.port)
        self.reverse = self.reverse_proxy(self.inner.port)
        self.wire = self.relay_to(self.reverse.port)

    def check(self, client):
        ran = curl(*as_bob(self.pki), *through(client.port, self.inner.port), "--parallel",
                   f"https://{INNER_NAME}/files/large")
        self.assertTrue(ran.stdout == self.body, ran.stderr)
        for proxy in (client, self.reverse):
            ended = proxy.event("tunnel_end")
            self.assertEqual((ended["mode"], ended["ending"]), ("covered", "closed"))
            self.assertGreater(ended["raw_down"], SIZE)
        check_covered_tunnel(self.wire.finished_connection(), self.inner.finished_connection(),
                             [INNER_NAME.encode()])

    def via(self, proxy):
        return self.client_proxy(self.wire.port,
                                 reverse_proxy={"via": f"http://127.0.0.1:{proxy.port}"})

    def test_via_squid(self):
        self.check(self.via(self.start(Squid(self.directory))))

    def test_via_tinyproxy(self):
        self.check(self.via(self.start(Tinyproxy(self.directory))))

    def test_haproxy_before_the_reverse_proxy(self):
        balancer = self.start(Haproxy(self.directory, self.wire.port))
        self.check(self.client_proxy(balancer.port))

    def test_all_of_them(self):
        balancer = self.start(Haproxy(self.directory, self.wire.port))
        squid = self.start(Squid(self.directory))
        self.check(self.client_proxy(balancer.port, reverse_proxy={
            "via": f"http://127.0.0.1:{squid.port}"}))


if __name__ == "__main__":
    unittest.main()
