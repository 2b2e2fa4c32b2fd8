#!/usr/bin/env python3
"""A key in a keeper is of no use to OpenSSL's programs but for handshakes of TLS.

Without this whoever takes a program over makes certificates, requests and messages with its key by
the tools that are there. What fails says why, and leaves nothing behind.
"""

import os
import pathlib
import subprocess
import tempfile
import unittest

from keeper import KEY_TYPES, Keeper, entry, make_identity, openssl, openssl_config
from processes import PATIENCE

WHY = "not done by the keeper"


class IdentityKeySignsNothingElseInStockProgramsTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = folder = pathlib.Path(cls.enterClassContext(tempfile.TemporaryDirectory()))
        cls.message = folder / "message"
        cls.message.write_bytes(b"x" * 32)
        entries = [entry(name, make_identity(folder, name, *options), "tls-server")
                   for name, options in KEY_TYPES.items()]
        entries.append(entry("old", folder / "rsa.pem", "tls-server", unsafe_tls12=True))
        cls.keeper = cls.enterClassContext(Keeper(folder, *entries))
        cls.environment = {**os.environ, **openssl_config(folder / "openssl.cnf", cls.keeper.socket)}

    def run_openssl(self, command, *words):
        """Returns exit code, output file (None: there is none, or it is empty) and errors."""
        out = self.folder / "out"
        out.unlink(missing_ok=True)
        ran = subprocess.run(["openssl", command, "-out", out, *map(str, words)], env=self.environment,
                             capture_output=True, text=True, timeout=PATIENCE, check=False)
        written = out.read_bytes() if out.exists() else b""
        return ran.returncode, written, ran.stderr

    def assert_fails(self, *words, why=""):
        code, written, errors = self.run_openssl(*words)
        self.assertNotEqual(code, 0, words)
        self.assertEqual(written, b"", words)
        self.assertIn(why, errors, words)

    def test_no_certificate_and_no_request_for_one(self):
        for name in [*KEY_TYPES, "old"]:
            uri = f"identity:{name}"
            own = self.folder / ("rsa" if name == "old" else name)
            request = self.folder / "other.csr"
            request.write_bytes(openssl("req", "-new", "-key", own.with_suffix(".key"), "-subj",
                                        "/CN=x"))
            with self.subTest(name):
                self.assert_fails("req", "-new", "-key", uri, "-subj", "/CN=x", why=WHY)
                self.assert_fails("req", "-x509", "-key", uri, "-subj", "/CN=x", why=WHY)
                self.assert_fails("x509", "-req", "-in", request, "-CA", own.with_suffix(".crt"),
                                  "-CAkey", uri, "-CAcreateserial", why=WHY)

    def test_no_message_no_digest_and_no_number(self):
        for name in KEY_TYPES:
            key = ["-inkey", f"identity:{name}", "-in", self.message]
            why = "" if name == "ed25519" else WHY
            with self.subTest(name):
                self.assert_fails("dgst", "-sha256", "-sign", f"identity:{name}", self.message)
                self.assert_fails("pkeyutl", "-sign", "-rawin", *key, why=WHY)
                self.assert_fails("pkeyutl", "-sign", *key)
                self.assert_fails("pkeyutl", "-sign", *key, "-pkeyopt", "rsa_padding_mode:none")
                self.assert_fails("pkeyutl", "-decrypt", *key)
                self.assert_fails("pkeyutl", "-derive", "-inkey", f"identity:{name}", "-peerkey",
                                  self.folder / f"{name}.key")
                code, _, errors = self.run_openssl(
                    "cms", "-sign", "-signer", self.folder / f"{name}.crt", *key)
                self.assertNotEqual(code, 0)
                self.assertIn(why, errors)
        self.keeper.event("refused", request="sign_tls12_digest", identity="rsa")

    def test_the_key_itself_does_not_come_out(self):
        for name in [*KEY_TYPES, "old"]:
            with self.subTest(name):
                self.assert_fails("pkey", "-in", f"identity:{name}")

    def test_a_message_where_digests_are_switched_on(self):
        """It is not the tools that fail."""
        code, signature, _ = self.run_openssl("dgst", "-sha256", "-sign", "identity:old",
                                              self.message)
        self.assertEqual((code, len(signature)), (0, 256))


if __name__ == "__main__":
    unittest.main()
