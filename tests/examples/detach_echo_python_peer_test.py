#!/usr/bin/env python3
"""detach_echo against Python's ssl module, whose unwrap() leaves TLS and keeps the connection.

Without this, only our own stack would have shown that a detach is a detach.
"""

import contextlib
import socket
import ssl
import unittest

from echo_server import certificates, echo_server

VERSIONS = (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3)


def client_context(pki, version):
    context = ssl.create_default_context(cafile=pki / "server-ca.pem")
    context.minimum_version = context.maximum_version = version
    return context


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


class DetachEchoPythonPeerTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.pki = cls.enterClassContext(certificates())
        cls.port = cls.enterClassContext(echo_server(cls.pki))

    def connect(self):
        connection = socket.create_connection(("127.0.0.1", self.port), timeout=60)
        self.addCleanup(connection.close)
        return connection

    def test_three_rounds_of_tls_and_raw_on_one_connection(self):
        for version in VERSIONS:
            with self.subTest(version.name):
                self.three_rounds(client_context(self.pki, version))

    def three_rounds(self, context):
        raw = self.connect()
        for turn in (b"one\n", b"two\n", b"three\n"):
            tls = context.wrap_socket(raw, server_hostname="localhost")
            self.assertEqual(say(tls, b"under TLS " + turn), b"under TLS " + turn)
            self.assertEqual(say(tls, b"DETACH\n"), b"GO\n")
            raw = tls.unwrap()
            self.assertEqual(say(raw, b"raw " + turn), b"raw " + turn)
            self.assertEqual(say(raw, b"TLS\n"), b"OK\n")
        tls = context.wrap_socket(raw, server_hostname="localhost")
        self.assertEqual(say(tls, b"QUIT\n"), b"")
        tls.close()

    def test_raw_bytes_in_one_segment_with_the_close_notify_are_echoed(self):
        for version in VERSIONS:
            with self.subTest(version.name):
                self.raw_behind_close_notify(client_context(self.pki, version))

    def raw_behind_close_notify(self, context):
        wire = self.connect()
        incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        tls = context.wrap_bio(incoming, outgoing, server_hostname="localhost")

        def drive(step):
            while True:
                try:
                    return step()
                except ssl.SSLWantReadError:
                    wire.sendall(outgoing.read())
                    incoming.write(wire.recv(65536))

        drive(tls.do_handshake)
        tls.write(b"DETACH\n")
        self.assertEqual(drive(tls.read), b"GO\n")
        with contextlib.suppress(ssl.SSLWantReadError):  # the server's close_notify may be here
            tls.unwrap()
        wire.sendall(outgoing.read() + b"raw, glued\n")
        drive(tls.unwrap)
        echoed = incoming.read()
        while len(echoed) < len(b"raw, glued\n"):
            echoed += wire.recv(65536)
        self.assertEqual(echoed, b"raw, glued\n")

    def test_a_client_that_just_closes_ends_the_connection(self):
        context = client_context(self.pki, ssl.TLSVersion.TLSv1_3)
        tls = context.wrap_socket(self.connect(), server_hostname="localhost")
        self.assertEqual(say(tls, b"hello\n"), b"hello\n")
        raw = tls.unwrap()
        self.assertEqual(raw.recv(1), b"")
        raw.close()

    def test_tls_max_limits_the_version(self):
        with echo_server(self.pki, "--tls-max", "1.2") as port:
            context = ssl.create_default_context(cafile=self.pki / "server-ca.pem")
            with socket.create_connection(("127.0.0.1", port)) as raw:
                tls = context.wrap_socket(raw, server_hostname="localhost")
                self.assertEqual(tls.version(), "TLSv1.2")
                tls.close()

    def test_ca_asks_for_a_client_certificate(self):
        with echo_server(self.pki, "--ca", self.pki / "client-ca.pem") as port:
            context = client_context(self.pki, ssl.TLSVersion.TLSv1_2)
            with socket.create_connection(("127.0.0.1", port)) as raw:
                with self.assertRaises(ssl.SSLError):
                    context.wrap_socket(raw, server_hostname="localhost")
            context.load_cert_chain(self.pki / "client.pem")
            with socket.create_connection(("127.0.0.1", port)) as raw:
                tls = context.wrap_socket(raw, server_hostname="localhost")
                self.assertEqual(say(tls, b"hello\n"), b"hello\n")
                tls.close()


if __name__ == "__main__":
    unittest.main()
