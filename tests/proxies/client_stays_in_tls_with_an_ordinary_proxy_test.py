#!/usr/bin/env python3
"""A proxy that does not answer TLS-Detach gets an ordinary tunnel: all of it inside of the TLS.

Without this the client proxy works with our reverse proxy only, or, worse, goes raw on its own.
"""

import unittest

import tls_records
from curl import INNER_NAME, as_bob, curl, through
from ordinary_proxy import OrdinaryProxy
from proxies import MODE
from tunnel_case import TunnelCase


class ClientStaysInTlsWithAnOrdinaryProxyTest(TunnelCase):
    def setUp(self):
        super().setUp()
        self.inner = self.relay_to(self.nginx().port)

    def run_through(self, proxy):
        self.wire = self.relay_to(proxy.port)
        self.client = self.client_proxy(self.wire.port)
        return curl(*as_bob(self.pki), *through(self.client.port, self.inner.port),
                    f"https://{INNER_NAME}/")

    def test_the_whole_connection_stays_inside(self):
        proxy = self.enterContext(OrdinaryProxy(self.pki))
        ran = self.run_through(proxy)
        self.assertEqual(ran.stdout, f"CN=bob TLSv1.3 {INNER_NAME}\n".encode(), ran.stderr)
        self.assertIn(f"\r\nTLS-Detach: v=1, when={MODE}, cb=:", proxy.requests[0])
        ended = self.client.event("tunnel_end")
        self.assertEqual((ended["mode"], ended["raw_up"], ended["raw_down"]), ("none", 0, 0))
        wire, inner = self.wire.finished_connection(), self.inner.finished_connection()
        for outside, inside in ((wire.up, inner.up), (wire.down, inner.down)):
            tls_records.walk(outside.received)
            for record in tls_records.walk(inside.received):
                if record.length > 8:
                    self.assertFalse(record.body(inside.received) in outside.received, record)

    def test_an_answer_for_which_it_did_not_ask_ends_the_connection(self):
        """The two ends never differ about what was agreed."""
        for field in ("v=1, when=connect, cb=:AAAAAAAAAAAAAAAAAAAAAA==:",
                      "v=1, when=covered, cb=:AAAAAAAAAAAAAAAAAAAAAA==:", "v=2", "?"):
            with self.subTest(field), OrdinaryProxy(
                    self.pki, answer=f"200 OK\r\nConnection: TLS-Detach\r\nTLS-Detach: {field}"
                                     "\r\n\r\n") as proxy:
                self.assertIn(b"response 502", self.run_through(proxy).stderr)
                self.assertIn("TLS-Detach", self.client.event("refused", status=502)["reason"])


if __name__ == "__main__":
    unittest.main()
