#!/usr/bin/env python3
"""modes = ["connect"]: both leave TLS right behind the CONNECT, over outer TLS 1.2 and 1.3.

Without this there is no detach for peers whose TLS cannot close one direction alone.
"""

import os
import unittest

import tls_records
from curl import INNER_NAME, as_bob, curl, through
from tunnel_case import TunnelCase

CONNECT_ONLY = {"detach": {"modes": ["connect"]}}
TLS12_TOO = {"tls": {"min_version": "1.2"}, **CONNECT_ONLY}
# What is preloaded tells OpenSSL.
KEPT = "only OpenSSL is kept at TLS 1.2 from outside"
NO_TLS13 = {"env": {"LD_PRELOAD": os.path.abspath("tests/support/tls12_only.so")}}


class TunnelInConnectModeIsRawFromTheFirstByteTest(TunnelCase):
    def check(self, *, reverse, client):
        nginx = self.nginx()
        inner = self.relay_to(nginx.port)
        client, wire, reverse = self.both_proxies(inner.port, reverse=reverse, client=client)
        ran = curl(*as_bob(self.pki), *through(client.port, inner.port), f"https://{INNER_NAME}/")
        self.assertEqual(ran.stdout, f"CN=bob TLSv1.3 {INNER_NAME}\n".encode(), ran.stderr)
        self.check_wire(wire.finished_connection(), inner.finished_connection())
        for proxy in (client, reverse):
            ended = proxy.event("tunnel_end")
            self.assertEqual((ended["mode"], ended["covered_up"], ended["covered_down"]),
                             ("connect", 0, 0))
        return wire.connection()

    def check_wire(self, wire, inner):
        for outside, inside in ((wire.up, inner.up), (wire.down, inner.down)):
            tls_records.walk(outside.received)
            self.assertTrue(outside.received.endswith(inside.received))

    def test_outer_tls_in_its_newest_version(self):
        self.check(reverse=CONNECT_ONLY, client=CONNECT_ONLY)

    @unittest.skipIf("CLIENT_PROXY_BACKEND" in os.environ, KEPT)
    def test_outer_tls_1_2_because_of_the_client(self):
        wire = self.check(reverse=TLS12_TOO, client={**TLS12_TOO, **NO_TLS13})
        self.check_is_tls_1_2(wire)

    @unittest.skipIf("REVERSE_PROXY_BACKEND" in os.environ, KEPT)
    def test_outer_tls_1_2_because_of_the_reverse_proxy(self):
        wire = self.check(reverse={**TLS12_TOO, **NO_TLS13}, client=TLS12_TOO)
        self.check_is_tls_1_2(wire)

    def check_is_tls_1_2(self, wire):
        """Its close_notify is an alert that shows itself as one."""
        self.assertIn(tls_records.ALERT,
                      [record.type for record in tls_records.walk(wire.up.received)])


if __name__ == "__main__":
    unittest.main()
