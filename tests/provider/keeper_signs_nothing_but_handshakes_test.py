#!/usr/bin/env python3
"""Whoever has the keeper's socket gets its own role's TLS 1.3 handshakes signed, and nothing else.

Without this a program that is taken over makes the keeper sign a certificate, and is a CA.
"""

import hashlib
import pathlib
import tempfile
import unittest

from keeper import (LIST_IDENTITY, NO_CERTIFICATE_VERIFY, OTHER_ROLE, REFUSED, SIGN_CERTIFICATE_VERIFY,
                    SIGN_TLS12_DIGEST, SIGNATURE, TLS12_OFF, Keeper, Peer, certificate_verify, entry,
                    frame, key_id, make_identity, openssl)

RSA_PKCS1_SHA256, RSA_PSS_SHA256, ED25519 = 0x0401, 0x0804, 0x0807


class KeeperSignsNothingButHandshakesTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls._folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(cls._folder.cleanup)
        cls.folder = folder = pathlib.Path(cls._folder.name)
        rsa = make_identity(folder, "rsa", "rsa:2048")
        edwards = make_identity(folder, "edwards", "ed25519")
        cls.keys = {"rsa": key_id(rsa), "edwards": key_id(edwards), "old": key_id(rsa)}
        cls.keeper = cls.enterClassContext(Keeper(
            folder, entry("rsa", rsa, "tls-server"), entry("edwards", edwards, "tls-client"),
            entry("old", rsa, "tls-server", unsafe_tls12=True)))

    def sign(self, kind, name, scheme, payload):
        with Peer(self.keeper.socket) as peer:
            return peer.ask(frame(kind, argument=scheme, name=name.encode(), key=self.keys[name],
                                  payload=payload))[:2]

    def assert_refused(self, answer, reason, text):
        self.assertEqual(answer, (REFUSED, reason))
        line = self.keeper.event("refused", reason=f'"{text}')
        self.assertIn("uid=", line)

    def test_a_certificate_verify_of_its_role(self):
        for name, scheme, role in (("rsa", RSA_PSS_SHA256, "server"), ("edwards", ED25519, "client")):
            kind, _ = self.sign(SIGN_CERTIFICATE_VERIFY, name, scheme, certificate_verify(role))
            self.assertEqual(kind, SIGNATURE)

    def test_not_the_other_roles(self):
        for name, scheme, role in (("rsa", RSA_PSS_SHA256, "client"), ("edwards", ED25519, "server")):
            answer = self.sign(SIGN_CERTIFICATE_VERIFY, name, scheme, certificate_verify(role))
            self.assert_refused(answer, OTHER_ROLE, "the identity is for the other role")

    def test_not_a_certificate_nor_a_request_for_one(self):
        """What is to be signed of both, whole or cut to the size that is looked at, or hashed."""
        request = openssl("req", "-new", "-key", self.folder / "rsa.key", "-subj", "/CN=x",
                          "-outform", "DER")
        certificate = openssl("x509", "-in", self.folder / "rsa.crt", "-outform", "DER")
        for der in (request, certificate):
            to_be_signed = der[4:-256]
            for name, scheme in (("rsa", RSA_PSS_SHA256), ("edwards", ED25519)):
                answer = self.sign(SIGN_CERTIFICATE_VERIFY, name, scheme, to_be_signed[:146])
                self.assert_refused(answer, NO_CERTIFICATE_VERIFY, "the bytes to be signed are no")
                answer = self.sign(SIGN_TLS12_DIGEST, name, scheme,
                                   hashlib.sha256(to_be_signed).digest())
                self.assert_refused(answer, TLS12_OFF, "the identity signs for TLS 1.3 only")

    def test_a_digest_only_where_that_is_switched_on(self):
        kind, _ = self.sign(SIGN_TLS12_DIGEST, "old", RSA_PKCS1_SHA256, bytes(32))
        self.assertEqual(kind, SIGNATURE)

    def test_who_does_not_speak_the_protocol_is_dropped(self):
        good = frame(LIST_IDENTITY)
        for bytes_ in (b"x", good[:-1], good + b"\0", b"\2" + good[1:], frame(99), frame(SIGNATURE),
                       frame(LIST_IDENTITY, name=b"x"), frame(REFUSED)):
            with Peer(self.keeper.socket) as peer:
                self.assertEqual(peer.ask_bytes(bytes_), b"")
        self.keeper.event("peer_dropped", reason='"keeper protocol: a frame of no known type"')
        with Peer(self.keeper.socket) as peer:
            self.assertEqual(peer.ask(good)[3], b"rsa")


if __name__ == "__main__":
    unittest.main()
