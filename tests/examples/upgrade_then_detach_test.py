#!/usr/bin/env python3
"""The README's example does what the README says."""

import subprocess
import unittest

from echo_server import certificates, echo_server

UPGRADE_THEN_DETACH = "examples/upgrade_then_detach"


class UpgradeThenDetachTest(unittest.TestCase):
    def test_speaks_tls_and_then_in_clear(self):
        with certificates() as pki, echo_server(pki) as port:
            command = [UPGRADE_THEN_DETACH, "localhost", str(port), pki / "server-ca.pem"]
            ended = subprocess.run(command, capture_output=True, text=True, timeout=60)
        self.assertEqual((ended.stdout, ended.stderr), ("TLS: GO\nraw: hello, in clear\n", ""))
        self.assertEqual(ended.returncode, 0)


if __name__ == "__main__":
    unittest.main()
