#!/usr/bin/env python3
"""curl shows a server a certificate whose key is in a keeper, where it knows OpenSSL's providers.

The commands of docs/PROVIDER.md. Without this they might do nothing.
"""

import os
import pathlib
import re
import subprocess
import tempfile
import unittest

from keeper import KEY_TYPES, MODULE, Keeper, entry, make_identity
from openssl_ends import SServer
from pki import certificates
from processes import PATIENCE


def curl_version():
    text = subprocess.run(["curl", "--version"], capture_output=True, text=True, check=True).stdout
    return tuple(int(number) for number in re.match(r"curl (\d+)\.(\d+)", text).groups())


class IdentityUriWorksInCurlTest(unittest.TestCase):
    @unittest.skipIf(curl_version() < (8, 12), "this curl has no keys by providers: Debian 12's 7.88")
    def test_with_its_socket_in_the_uri(self):
        pki = self.enterContext(certificates())
        folder = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory()))
        alice = make_identity(folder, "alice", *KEY_TYPES["p256"])  # it sends no certificates above
        keeper = self.enterContext(Keeper(folder, entry("alice", alice, "tls-client")))
        server = self.enterContext(SServer(pki, "-CAfile", folder / "alice.crt", "-Verify", "1",
                                           "-verify_return_error", "-www"))
        uri = f"identity:alice?socket={keeper.socket}"
        ran = subprocess.run(
            ["curl", "-sS", "--engine", "detach", "--cert-type", "PROV", "--cert",
             uri.replace(":", "\\:", 1), "--key-type", "PROV", "--key", uri,
             "--cacert", pki / "server-ca.pem", f"https://localhost:{server.port}/"],
            env={**os.environ, "OPENSSL_MODULES": os.path.dirname(os.path.abspath(MODULE))},
            capture_output=True, text=True, timeout=PATIENCE, check=False)
        self.assertEqual(ran.returncode, 0, ran.stderr)
        self.assertIn("alice", ran.stdout)


if __name__ == "__main__":
    unittest.main()
