#!/usr/bin/env python3
"""detach_echo against `openssl s_client`, which knows nothing of detaching."""

import subprocess
import unittest

from echo_server import certificates, echo_server


class DetachEchoSClientTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.pki = cls.enterClassContext(certificates())

    def test_echoes_lines_and_closes_in_order(self):
        for version in ("-tls1_2", "-tls1_3"):
            with self.subTest(version), echo_server(self.pki) as port:
                ended = subprocess.run(
                    ["openssl", "s_client", "-connect", f"127.0.0.1:{port}", version, "-quiet",
                     "-CAfile", self.pki / "server-ca.pem", "-verify_return_error"],
                    input="one\ntwo\nQUIT\n", capture_output=True, text=True, timeout=60)
                self.assertEqual(ended.stdout, "one\ntwo\n", ended.stderr)


if __name__ == "__main__":
    unittest.main()
