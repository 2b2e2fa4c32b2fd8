#!/usr/bin/env python3
"""CBC suites, TLS 1.1, what is no TLS, and handshakes that fail stay under cover to the end.

Without this an SSH banner, a password over HTTP, or a record that can be changed unnoticed crosses
the wire between the proxies bare.
"""

import unittest

from cover_rule_case import CoverRuleCase
from inner_tls import ending

OLD = ["-cipher", "DEFAULT@SECLEVEL=0"]


class TunnelNeverGoesRawForWhatDoesNotStandAloneTest(CoverRuleCase):
    def run_tls(self, *both):
        server = self.s_server(*both)
        self.start_path(server.port)
        self.talk(self.s_client(*both), server)
        self.check_never_raw()

    def test_tls_1_2_with_cbc(self):
        self.run_tls("-tls1_2", "-cipher", "ECDHE-ECDSA-AES128-SHA256")

    def test_tls_1_1(self):
        self.run_tls("-tls1_1", *OLD)

    def test_no_common_version(self):
        server = self.s_server("-tls1_3")
        self.start_path(server.port)
        self.assertNotEqual(self.s_client("-tls1_2").wait(), 0)
        self.check_never_raw()

    def test_tls_1_2_with_a_certificate_that_the_client_does_not_like(self):
        server = self.s_server("-tls1_2")
        self.start_path(server.port)
        client = self.s_client("-CAfile", self.pki / "client-ca.pem")
        self.assertNotEqual(client.wait(), 0)
        self.check_never_raw()

    def run_plain(self, *lines):
        """`lines`: (who says it, what)."""
        listener = self.listener()
        self.start_path(listener.getsockname()[1])
        browser, destination = self.plain_ends(self.client.port, listener, to=self.inner.port)
        for speaker, line in lines:
            sender, receiver = ((browser, destination) if speaker == "browser"
                                else (destination, browser))
            sender.sendall(line)
            self.assertEqual(receiver.makefile("rb").read(len(line)), line)
        for end, other in ((browser, destination), (destination, browser)):
            end.shutdown(1)
            self.assertEqual(ending(other), "FIN")
        self.check_never_raw()

    def test_plain_http(self):
        self.run_plain(("browser", b"GET / HTTP/1.0\r\nAuthorization: Basic c2VjcmV0\r\n\r\n"),
                       ("destination", b"HTTP/1.0 200 OK\r\n\r\nthe secret page"))

    def test_ssh(self):
        self.run_plain(("destination", b"SSH-2.0-OpenSSH_9.2p1\r\n"),
                       ("browser", b"SSH-2.0-OpenSSH_9.2p1\r\n"))


if __name__ == "__main__":
    unittest.main()
