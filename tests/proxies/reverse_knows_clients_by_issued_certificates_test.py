#!/usr/bin/env python3
"""A certificate that a keeper has issued for a token makes tunnels: its name is in an [[allow]] row.

Without this enrolment would hand out what the reverse proxy does not accept.
"""

import unittest

from issuing import ALICE, issue, issuing_entry, make_authority, write_tokens
from keeper import ISSUED, Keeper, openssl
from tunnel_case import TunnelCase


class ReverseKnowsClientsByIssuedCertificatesTest(TunnelCase):
    def enrol(self, name):
        """A client's part: a key, a request, and what it gets for a token. Returns their file."""
        folder = self.directory / "keeper"
        folder.mkdir()
        authority = make_authority(folder, "ec", "-pkeyopt", "ec_paramgen_curve:P-256")
        token, = write_tokens(folder, name)
        keeper = self.start(Keeper(folder, issuing_entry(folder, authority)))
        key = openssl("genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256")
        request = openssl("req", "-new", "-key", "/dev/stdin", "-subj", "/", "-outform", "DER",
                          input=key)
        kind, _, certificate = issue(keeper.socket, token, request)
        self.assertEqual(kind, ISSUED)
        path = self.directory / "enrolled.pem"
        path.write_bytes(openssl("x509", "-inform", "DER", input=certificate) + key)
        path.chmod(0o600)
        return path

    def client_proxy_with(self, identity, port):
        tls = {"client_trust_anchors": str(self.directory / "keeper" / "ca.crt"), "crl": "none"}
        client, _, _ = self.both_proxies(port, reverse={"tls": tls},
                                         client={"identities": [f"file:{identity}"]})
        return client

    def test_of_the_name_that_the_token_was_for(self):
        listener = self.listener()
        client = self.client_proxy_with(self.enrol(ALICE), listener.getsockname()[1])
        browser, destination = self.tls_ends(client.port, listener)
        browser.write(b"raw bytes")
        self.assertEqual(destination.read(9), b"raw bytes")

    def test_and_of_no_other(self):
        listener = self.listener()
        client = self.client_proxy_with(self.enrol("URI:spiffe://corp.example/mallory"),
                                        listener.getsockname()[1])
        with self.assertRaisesRegex(AssertionError, "HTTP/1.1 403"):
            self.plain_ends(client.port, listener)


if __name__ == "__main__":
    unittest.main()
