#!/usr/bin/env python3
"""A keeper with the purpose "issuing" makes certificates: one for each token, of the token's name.

Without this an enrolment service would have to hold the CA's key, and whoever takes it over could
be anybody, for ever.
"""

import hashlib
import pathlib
import tempfile
import unittest

from issuing import ALICE, issue, issuing_entry, make_authority, write_tokens
from keeper import (GET_CHAIN, ISSUED, REFUSED, SIGN_CERTIFICATE_VERIFY, SIGN_TLS12_DIGEST, Keeper, Peer,
                    certificate_verify, entry, frame, key_id, make_identity, openssl)

OTHER_PURPOSE, TOKEN, CERTIFICATE_REQUEST = 10, 11, 12


class KeeperIssuesCertificatesForTokensTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.keys = pathlib.Path(cls.enterClassContext(tempfile.TemporaryDirectory()))
        cls.authority = make_authority(cls.keys, "rsa:4096")
        cls.web = make_identity(cls.keys, "web", "ec", "-pkeyopt", "ec_paramgen_curve:P-256")
        cls.key = cls.keys / "alice.key"
        openssl("genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:4096", "-out", cls.key)

    def setUp(self):
        self.folder = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory()))

    def tokens(self, *names, **options):
        return write_tokens(self.folder, *names, **options)

    def start(self):
        return self.enterContext(Keeper(self.folder, issuing_entry(self.folder, self.authority),
                                        entry("web", self.web, "tls-server")))

    def request(self, *options):
        return openssl("req", "-new", "-key", self.key, "-outform", "DER", "-subj", "/CN=root",
                       *options)

    def certificate(self, keeper, token, request):
        kind, argument, der = issue(keeper.socket, token, request)
        self.assertEqual((kind, argument), (ISSUED, 0))
        path = self.folder / "alice.crt"
        path.write_bytes(openssl("x509", "-inform", "DER", input=der))
        return path

    def test_openssl_verifies_what_comes_out_and_finds_the_tokens_name_there(self):
        token, = self.tokens(ALICE)
        keeper = self.start()
        path = self.certificate(keeper, token, self.request(
            "-addext", "subjectAltName=URI:spiffe://corp.example/root",
            "-addext", "basicConstraints=critical,CA:TRUE"))
        openssl("verify", "-x509_strict", "-purpose", "sslclient", "-CAfile", self.keys / "ca.crt",
                path)
        text = openssl("x509", "-in", path, "-noout", "-text").decode()
        self.assertIn(f"X509v3 Subject Alternative Name: critical\n                {ALICE}\n", text)
        self.assertIn("CA:FALSE", text)
        self.assertNotIn("root", text)
        self.assertNotIn("TLS Web Server", text)
        self.assertEqual(openssl("x509", "-in", path, "-noout", "-pubkey"),
                         openssl("pkey", "-in", self.key, "-pubout"))
        self.assertIn(f"name={ALICE}", keeper.event("issued", identity="ca"))
        self.assertNotIn(token.decode(), "\n".join(keeper.lines))

    def test_a_token_is_good_once_also_where_the_keeper_was_killed(self):
        token, other = self.tokens(ALICE, "DNS:host.example")
        keeper = self.start()
        self.assertEqual(issue(keeper.socket, token, self.request())[0], ISSUED)
        keeper.kill()
        keeper = self.start()
        self.assertEqual(issue(keeper.socket, token, self.request())[:2], (REFUSED, TOKEN))
        self.assertIn("is spent", keeper.event("not_issued"))
        self.assertEqual(issue(keeper.socket, other, self.request())[0], ISSUED)

    def test_a_token_is_not_good_behind_its_end(self):
        token, = self.tokens(ALICE, end="2026-01-01T00:00:00Z")
        keeper = self.start()
        self.assertEqual(issue(keeper.socket, token, self.request())[:2], (REFUSED, TOKEN))
        self.assertIn("has expired", keeper.event("not_issued"))

    def test_forged_requests_get_nothing_and_spend_nothing(self):
        token, = self.tokens(ALICE)
        keeper = self.start()
        good = self.request()
        openssl("genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:1024", "-out",
                self.folder / "weak.key")
        weak = openssl("req", "-new", "-key", self.folder / "weak.key", "-subj", "/CN=x", "-outform",
                       "DER")
        certificate = openssl("x509", "-in", self.keys / "ca.crt", "-outform", "DER")
        for forged in (good[:-1] + bytes([good[-1] ^ 1]), good + b"\0", good[:-1], weak, certificate,
                       b"\x30\x82\xff\xff" + bytes(3000), b"-----BEGIN CERTIFICATE REQUEST-----"):
            self.assertEqual(issue(keeper.socket, token, forged)[:2], (REFUSED, CERTIFICATE_REQUEST))
        self.assertEqual(issue(keeper.socket, token, good, name=b"web")[:2], (REFUSED, OTHER_PURPOSE))
        self.assertEqual(issue(keeper.socket, b"x" * 32, good)[:2], (REFUSED, TOKEN))
        self.assertEqual(issue(keeper.socket, token, good)[0], ISSUED)

    def test_the_cas_key_signs_no_bytes_that_it_is_given(self):
        self.tokens(ALICE)
        keeper = self.start()
        for kind, content in ((SIGN_CERTIFICATE_VERIFY, certificate_verify("server")),
                              (SIGN_CERTIFICATE_VERIFY, certificate_verify("client")),
                              (SIGN_TLS12_DIGEST, bytes(32))):
            with Peer(keeper.socket) as peer:
                reply = peer.ask(frame(kind, argument=0x0804, name=b"ca", key=key_id(self.authority),
                                       payload=content))
            self.assertEqual(reply[:2], (REFUSED, OTHER_PURPOSE))

    def test_who_has_a_certificate_gets_the_chain_above_it_from_the_same_identity(self):
        self.tokens(ALICE)
        keeper = self.start()
        with Peer(keeper.socket) as peer:
            chain = peer.ask(frame(GET_CHAIN, name=b"ca"))[5]
        self.assertEqual(chain, openssl("x509", "-in", self.keys / "ca.crt", "-outform", "DER"))

    def test_a_file_that_a_crash_left_unfinished_is_mended_and_said(self):
        token, = self.tokens(ALICE)
        (self.folder / "spent").write_text("0123")
        (self.folder / "spent").chmod(0o600)
        keeper = self.start()
        keeper.event("spent_tokens_mended", bytes="4")
        self.assertEqual(issue(keeper.socket, token, self.request())[0], ISSUED)
        self.assertEqual((self.folder / "spent").read_text(),
                         hashlib.sha256(token).hexdigest() + "\n")

    def test_a_bad_line_of_the_tokens_is_named(self):
        self.tokens(ALICE, "CN=alice")
        keeper = self.enterContext(Keeper(self.folder, issuing_entry(self.folder, self.authority),
                                          wait=False))
        self.assertEqual(keeper.wait(), 2)
        self.assertRegex(keeper.lines[-1],
                         r"^\S+keeper\.toml:\d+:\d+: \S+/tokens:2:66: a name belongs here")


if __name__ == "__main__":
    unittest.main()
