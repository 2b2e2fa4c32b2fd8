#!/usr/bin/env python3
"""The cover rule with inner TLS 1.2 and AEAD: raw from each direction's first data.

Without this its client certificate, which TLS 1.2 sends in clear, is there for everybody to read.
"""

import unittest

from cover_rule_case import CoverRuleCase
from openssl_ends import as_bob


class TunnelCoversTls12UntilChangeCipherSpecTest(CoverRuleCase):
    def run_tunnel(self, client=(), server=()):
        server = self.s_server("-tls1_2", *server)
        self.start_path(server.port)
        client = self.s_client(*client)
        self.talk(client, server)
        self.assertFalse(client.resumed)
        self.check_both_raw()

    def test_full_with_client_certificate(self):
        self.run_tunnel(as_bob(self.pki), ["-Verify", "2"])
        self.assertIn(b"spiffe://corp.example/bob", self.inner.connection().up.received)

    def test_chacha20(self):
        self.run_tunnel(["-cipher", "ECDHE-ECDSA-CHACHA20-POLY1305"])

    def test_resumed(self):
        server = self.s_server("-tls1_2")
        session = self.directory / "session.pem"
        self.talk(self.s_client("-sess_out", session, direct=server.port), server)
        self.start_path(server.port)
        client = self.s_client("-sess_in", session)
        self.talk(client, server)
        self.assertTrue(client.resumed)
        self.check_both_raw()


if __name__ == "__main__":
    unittest.main()
