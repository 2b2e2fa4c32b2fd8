#!/usr/bin/env python3
"""The README's example does what the README says."""

import pathlib
import re
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

    def test_is_what_the_readme_shows(self):
        readme = pathlib.Path("README.md").read_text()
        shown = re.search(r"^```cpp\n(.*?)^```$", readme, re.MULTILINE | re.DOTALL).group(1)
        self.assertIn(shown, pathlib.Path("examples/upgrade_then_detach.cc").read_text())


if __name__ == "__main__":
    unittest.main()
