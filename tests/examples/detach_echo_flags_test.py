#!/usr/bin/env python3
"""What detach_echo says about flags that it cannot follow: one line, exit code 2."""

import subprocess
import unittest

from echo_server import DETACH_ECHO, certificates


class DetachEchoFlagsTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.pki = cls.enterClassContext(certificates())

    def refused(self, **changes):
        flags = {"cert": self.pki / "server.crt", "key": self.pki / "server.key", **changes}
        arguments = [f"--{name.replace('_', '-')}={value}" for name, value in flags.items()]
        ended = subprocess.run([DETACH_ECHO, *arguments], capture_output=True, text=True,
                               timeout=60)
        self.assertEqual((ended.returncode, ended.stdout), (2, ""))
        return ended.stderr

    def test_names_a_missing_file(self):
        self.assertEqual(self.refused(cert="/none.pem"),
                         "detach_echo: /none.pem: cannot be opened\n")

    def test_names_what_a_file_lacks(self):
        path = self.pki / "server-ca.pem"
        self.assertEqual(self.refused(key=path),
                         f'detach_echo: {path}: no PEM object "PRIVATE KEY"\n')

    def test_names_an_address_that_is_none(self):
        self.assertEqual(self.refused(listen="here"),
                         'detach_echo: "here" is not host:port\n')

    def test_says_which_backends_there_are(self):
        self.assertRegex(self.refused(backend="gnutls"), "--backend: gnutls not in {[a-z,]+}")

    def test_refuses_an_unknown_version(self):
        self.assertIn("1.4", self.refused(tls_max="1.4"))


if __name__ == "__main__":
    unittest.main()
