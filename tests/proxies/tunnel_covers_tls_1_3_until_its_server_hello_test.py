#!/usr/bin/env python3
"""The cover rule with inner TLS 1.3: raw from the first encrypted record behind the ServerHello.

Without this the inner name crosses the wire in clear: in the first ClientHello, or in the second
one, which follows 0-RTT data when the server asks for it.
"""

import unittest

import tls_records
from cover_rule_case import CoverRuleCase
from openssl_ends import as_bob

# The client's first key share is for a group that this server does not want.
RETRY_CLIENT, RETRY_SERVER = ["-groups", "X25519:P-384"], ["-groups", "P-384"]


class TunnelCoversTls13UntilItsServerHelloTest(CoverRuleCase):
    def run_tunnel(self, client=(), server=()):
        server = self.s_server("-tls1_3", *server)
        self.start_path(server.port)
        client = self.s_client(*client)
        self.talk(client, server)
        self.assertFalse(client.resumed)
        return self.check_both_raw()

    def handshake_records(self):
        """How many of them the browser sent in clear: its ClientHellos."""
        records = tls_records.walk(self.inner.connection().up.received)
        return [record.type for record in records].count(tls_records.HANDSHAKE)

    def test_full(self):
        self.run_tunnel()

    def test_client_certificate(self):
        self.run_tunnel(as_bob(self.pki), ["-Verify", "2"])

    def test_hello_retry_request(self):
        self.run_tunnel(RETRY_CLIENT, RETRY_SERVER)
        self.assertEqual(self.handshake_records(), 2)

    def test_resumption(self):
        server = self.s_server("-tls1_3")
        session = self.session(server)
        self.start_path(server.port)
        client = self.s_client("-sess_in", session)
        self.talk(client, server)
        self.assertTrue(client.resumed)
        self.check_both_raw()

    def session(self, server, *options):
        """A session of an earlier connection, which did not pass the tunnel."""
        session = self.directory / "session.pem"
        self.talk(self.s_client("-sess_out", session, *options, direct=server.port), server)
        return session

    def run_early_data(self, client=(), server=()):
        """All early data have passed before the server's answer does."""
        server = self.s_server("-tls1_3", "-early_data", *server)
        session = self.session(server, *client)
        early = self.directory / "early"
        early.write_text("early words\n")
        self.start_path(server.port, hold_answer=True)
        client = self.s_client("-sess_in", session, "-early_data", early, *client)
        self.release_answer(lambda records: any(record.type == tls_records.APPLICATION_DATA
                                                for record in records))
        self.talk(client, server)
        raw_from = self.check_both_raw()
        records = tls_records.walk(self.inner.connection().up.received)
        early = next(record for record in records if record.type == tls_records.APPLICATION_DATA)
        self.assertLess(early.start, raw_from.up)
        return server

    def test_early_data_accepted(self):
        self.run_early_data().hear("early words")

    def test_early_data_refused_by_hello_retry_request(self):
        server = self.run_early_data(RETRY_CLIENT, RETRY_SERVER)
        self.assertEqual(self.handshake_records(), 2)
        self.assertNotIn("early words", server.lines)

    def test_a_certificate_that_the_client_does_not_like(self):
        """The server's direction is raw by then; the client's alert is under cover."""
        server = self.s_server("-tls1_3")
        self.start_path(server.port)
        client = self.s_client("-CAfile", self.pki / "client-ca.pem")
        self.assertNotEqual(client.wait(), 0)
        self.assertIsNotNone(self.check_wire().down)


if __name__ == "__main__":
    unittest.main()
