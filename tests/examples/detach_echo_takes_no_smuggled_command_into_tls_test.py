#!/usr/bin/env python3
"""A command that an attacker puts in clear behind the word that starts TLS (CVE-2011-0411).

Without this it is carried out as if the client had sent it under TLS.
"""

import socket
import ssl
import unittest

from echo_server import certificates, echo_server

VERSIONS = (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3)
SMUGGLED = b"EVIL COMMAND\n"


def say(connection, line):
    """Sends `line` and returns the line that comes back; reads nothing behind it."""
    connection.sendall(line)
    answer = b""
    while not answer.endswith(b"\n"):
        byte = connection.recv(1)
        if not byte:
            break
        answer += byte
    return answer


def all_that_comes(connection):
    received = b""
    try:
        while piece := connection.recv(65536):
            received += piece
    except ConnectionResetError:
        pass
    return received


class DetachEchoTakesNoSmuggledCommandIntoTlsTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.pki = cls.enterClassContext(certificates())
        cls.port = cls.enterClassContext(echo_server(cls.pki))

    def raw_connection(self, version, rounds):
        """A connection that is raw behind so many rounds of TLS."""
        context = ssl.create_default_context(cafile=self.pki / "server-ca.pem")
        context.minimum_version = context.maximum_version = version
        raw = socket.create_connection(("127.0.0.1", self.port), timeout=60)
        for turn in range(rounds):
            if turn:
                self.assertEqual(say(raw, b"TLS\n"), b"OK\n")
            tls = context.wrap_socket(raw, server_hostname="localhost")
            self.assertEqual(say(tls, b"DETACH\n"), b"GO\n")
            raw = tls.unwrap()
        self.addCleanup(raw.close)
        return raw

    def client_hello(self):
        context = ssl.create_default_context()
        hello = ssl.MemoryBIO()
        with self.assertRaises(ssl.SSLWantReadError):
            context.wrap_bio(ssl.MemoryBIO(), hello, server_hostname="localhost").do_handshake()
        return hello.read()

    def check(self, behind):
        for version in VERSIONS:
            for rounds in (1, 2, 3):
                with self.subTest(version=version.name, rounds=rounds):
                    raw = self.raw_connection(version, rounds)
                    self.assertEqual(say(raw, b"TLS\n" + behind), b"OK\n")
                    came = all_that_comes(raw)
                    # No handshake, and no echo: an alert at most.
                    self.assertIn(came[:1], (b"\x15", b""))
                    self.assertNotIn(SMUGGLED, came)

    def test_alone(self):
        self.check(SMUGGLED)

    def test_before_the_client_hello(self):
        self.check(SMUGGLED + self.client_hello())

    def test_the_client_hello_itself_may_be_there_already(self):
        """The positive control: unread raw bytes are the input of TLS."""
        raw = self.raw_connection(ssl.TLSVersion.TLSv1_3, 1)
        self.assertEqual(say(raw, b"TLS\n" + self.client_hello()), b"OK\n")
        self.assertEqual(raw.recv(1), b"\x16")


if __name__ == "__main__":
    unittest.main()
