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


def der(tag, *parts):
    """One object of ASN.1, of up to 64 KiB."""
    content = b"".join(parts)
    size = len(content)
    head = bytes([size]) if size < 128 else \
        bytes([0x81, size]) if size < 256 else b"\x82" + size.to_bytes(2, "big")
    return bytes([tag]) + head + content


def to_be_signed(size):
    """A whole TBSCertificate of an Ed25519 CA, which has exactly that size."""
    algorithm = der(0x30, b"\x06\x03\x2b\x65\x70")
    time = der(0x17, b"260101000000Z")
    rest = [algorithm, der(0x30), der(0x30, time, time), der(0x30),
            der(0x30, algorithm, der(0x03, b"\0" + bytes(32)))]
    version = der(0xA0, b"\x02\x01\x02")
    for serial in range(1, 100):
        whole = der(0x30, version, der(0x02, b"\x01" * serial), *rest)
        if len(whole) == size:
            return whole
    raise AssertionError(f"no TBSCertificate has {size} bytes")


def forged_contents():
    """What is as long as a CertificateVerify's content may be, and is not one of the two."""
    spaces, server = b" " * 64, b"TLS 1.3, server CertificateVerify"
    yield to_be_signed(146)
    yield b"\x30\x81" + to_be_signed(129)[1:]  # no DER has 130 bytes; BER does
    for content in (
            spaces + b"TLS, server delegated credentials\0",  # RFC 9345
            spaces + b"TLS, client delegated credentials\0",
            spaces + b"Exported Authenticator\0",  # RFC 9261
            spaces + b"TLS 1.4, server CertificateVerify\0",
            spaces + b"TLS 1.3, Server CertificateVerify\0",
            spaces + b"TLS 1.3, server certificateVerify\0",
            spaces + b"DTLS 1.3 server CertificateVerify\0",
            spaces + b"QUIC v2, server CertificateVerify\0",
            spaces + server + b" ",  # the separator
            spaces[1:] + server + b"\0",
            spaces + b" " + server + b"\0",
            b"\0" * 64 + server + b"\0",
            b"\t" * 64 + server + b"\0",
            server + b"\0" + spaces,
            b"SSHSIG\0\0\0\x03git\0\0\0\0",
            b"eyJhbGciOiJSUzI1NiJ9.",  # a JSON web token
            bytes(64) + b"\x03\0\x1d\x20"):  # randoms and parameters: a ServerKeyExchange of TLS 1.2
        yield from (content.ljust(130, b"h"), content.ljust(146, b"h"))
    for size in (131, 139, 145):  # a hash of another size: 33, 41 and 47 bytes
        yield (spaces + server + b"\0").ljust(size, b"h")


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

    def test_nothing_that_only_looks_like_a_handshake_of_tls_13(self):
        for content in forged_contents():
            for name, scheme in (("rsa", RSA_PSS_SHA256), ("edwards", ED25519)):
                answer = self.sign(SIGN_CERTIFICATE_VERIFY, name, scheme, content)
                self.assertEqual(answer, (REFUSED, NO_CERTIFICATE_VERIFY), content)

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
