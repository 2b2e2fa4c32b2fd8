#!/usr/bin/env python3
"""Each certificate that does not verify ends in its own TLS alert, a log line, and no tunnel.

Without this whoever has some certificate is let in; or is kept out and cannot find out why.
"""

import contextlib
import socket
import ssl
import unittest

from curl import INNER_NAME, as_bob, curl, through
from processes import PATIENCE
from proxies import TLS12_ONLY
from tunnel_case import TunnelCase

# TLS 1.2 has no alert of its own for it.
NONE_SENT = ("SSLV3_ALERT_HANDSHAKE_FAILURE" if TLS12_ONLY
             else "TLSV13_ALERT_CERTIFICATE_REQUIRED")


class ReverseRefusesCertificatesThatDoNotVerifyTest(TunnelCase):
    def alert(self, port, certificate):
        """The alert that ends a connection with this certificate; None: it is answered."""
        context = ssl.create_default_context(cafile=self.pki / "server-ca.pem")
        if certificate:
            context.load_cert_chain(self.pki / f"{certificate}.pem")
        with contextlib.ExitStack() as stack:
            end = stack.enter_context(socket.create_connection(("127.0.0.1", port), PATIENCE))
            try:
                tls = stack.enter_context(context.wrap_socket(end, server_hostname="localhost"))
                tls.sendall(b"CONNECT localhost:9 HTTP/1.1\r\nHost: localhost:9\r\n\r\n")
                self.assertNotEqual(tls.recv(65536), b"")
                return None
            except ssl.SSLError as error:
                return error.reason

    def test_each_fault_has_its_alert(self):
        reverse = self.reverse_proxy(9)
        for certificate, alert, reason in (
                ("client-revoked", "SSLV3_ALERT_CERTIFICATE_REVOKED", "revoked"),
                ("client-expired", "SSLV3_ALERT_CERTIFICATE_EXPIRED", "expired"),
                ("client-not-yet-valid", "SSLV3_ALERT_BAD_CERTIFICATE", "not yet valid"),
                ("client-unknown-ca", "TLSV1_ALERT_UNKNOWN_CA", "issuer"),
                ("client-server-only", "SSLV3_ALERT_UNSUPPORTED_CERTIFICATE", "purpose|usage"),
                (None, NONE_SENT, "certificate")):
            with self.subTest(certificate):
                self.assertEqual(self.alert(reverse.port, certificate), alert)
                refused = reverse.wait_for_events("refused", len(self.seen) + 1)[-1]
                self.seen.append(refused)
                self.assertEqual(refused["stage"], "handshake")
                self.assertRegex(refused["reason"], reason)

    def setUp(self):
        super().setUp()
        self.seen = []

    def test_with_crl_none_revocation_is_not_looked_at(self):
        reverse = self.reverse_proxy(9, tls={"crl": "none"})
        self.assertIsNone(self.alert(reverse.port, "client-revoked"))
        self.assertEqual(self.alert(reverse.port, "client-expired"),
                         "SSLV3_ALERT_CERTIFICATE_EXPIRED")

    def test_without_a_current_crl_nobody_gets_in(self):
        """Whoever was revoked meanwhile would."""
        for crl, alert, reason in (
                ("client-expired.crl", "SSLV3_ALERT_CERTIFICATE_EXPIRED", "CRL has expired"),
                ("client-root-only.crl", "TLSV1_ALERT_UNKNOWN_CA",
                 "unable to get certificate CRL|no CRL of its issuer")):
            with self.subTest(crl):
                reverse = self.reverse_proxy(9, tls={"crl": f"{self.pki}/{crl}"})
                self.assertEqual(self.alert(reverse.port, "client"), alert)
                refused = reverse.event("refused")
                self.assertEqual(refused["stage"], "handshake")
                self.assertRegex(refused["reason"], reason)

    def test_the_client_proxy_shows_the_browser_which_fault_it_was(self):
        client, _, _ = self.both_proxies(
            9, client={"identities": [f"file:{self.pki}/client-revoked.pem"]})
        ran = curl(*as_bob(self.pki), *through(client.port, 9), f"https://{INNER_NAME}/")
        self.assertIn(b"response 502", ran.stderr)
        self.assertIn("certificate revoked", client.event("refused")["reason"])


if __name__ == "__main__":
    unittest.main()
