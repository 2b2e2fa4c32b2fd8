#!/usr/bin/env python3
"""The line-mode server of docs/PLUGGING-IN.md: before, and after it has learnt STARTTLS and its reverse."""

import contextlib
import socket
import ssl
import unittest

from echo_server import certificates
from inner_tls import TlsEnd
from processes import PATIENCE, Program

PROGRAMS = "examples/plugging_in/"
VERSIONS = (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3)


def all_that_comes(connection):
    received = b""
    with contextlib.suppress(ConnectionResetError):
        while piece := connection.recv(65536):
            received += piece
    return received


class PluggingInLineServerEntersAndLeavesTlsTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.pki = cls.enterClassContext(certificates())

    def connect(self, *command):
        server = self.enterContext(Program(command))
        port = server.find(lambda line: int(line.rpartition(":")[2]) if line.startswith("listening") else None)
        return self.enterContext(socket.create_connection(("127.0.0.1", port), PATIENCE))

    def connect_after(self):
        return self.connect(PROGRAMS + "line_server_after", self.pki / "server.crt", self.pki / "server.key")

    def say(self, raw, line, answer):
        raw.sendall(line)
        came = b""
        while len(came) < len(answer) and (piece := raw.recv(len(answer) - len(came))):
            came += piece
        self.assertEqual(came, answer)

    def enter_tls(self, raw, version):
        context = ssl.create_default_context(cafile=self.pki / "server-ca.pem")
        context.minimum_version = context.maximum_version = version
        tls = TlsEnd(raw, context, server_name="localhost")
        tls.handshake()
        return tls

    def test_before_it_only_says_lines_back(self):
        raw = self.connect(PROGRAMS + "line_server_before")
        self.say(raw, b"one\ntwo\nSTARTTLS\n", b"one\ntwo\nSTARTTLS\n")
        raw.sendall(b"QUIT\n")
        self.assertEqual(raw.recv(1), b"")

    def test_three_rounds_with_raw_lines_right_behind_the_close_notify(self):
        for version in VERSIONS:
            with self.subTest(version.name):
                raw = self.connect_after()
                for turn in (b"one\n", b"two\n", b"three\n"):
                    self.say(raw, b"STARTTLS\n", b"OK\n")
                    tls = self.enter_tls(raw, version)
                    tls.write(b"under TLS " + turn + b"STOPTLS\n")
                    self.assertEqual(tls.read(13 + len(turn)), b"under TLS " + turn + b"OK\n")
                    raw.sendall(tls.close_notify() + b"raw " + turn + b"and STOPTLS\n")
                    self.assertEqual(tls.read(1), b"")
                    self.assertEqual((tls.raw_line(), tls.raw_line()), (b"raw " + turn, b"and STOPTLS\n"))

    def test_a_line_that_is_smuggled_in_behind_starttls_is_none(self):
        for version in VERSIONS:
            with self.subTest(version.name):
                raw = self.connect_after()
                self.say(raw, b"STARTTLS\nEVIL\n", b"OK\n")
                with self.assertRaises((ssl.SSLError, ConnectionError)):
                    self.enter_tls(raw, version)
                self.assertNotIn(b"EVIL", all_that_comes(raw))

    def test_an_end_behind_stoptls_is_no_close_notify(self):
        raw = self.connect_after()
        self.say(raw, b"STARTTLS\n", b"OK\n")
        tls = self.enter_tls(raw, VERSIONS[1])
        tls.write(b"STOPTLS\n")
        self.assertEqual(tls.read(3), b"OK\n")
        raw.sendall(b"raw\n")
        tls.fin()
        self.assertNotIn(b"raw\n", all_that_comes(raw))


if __name__ == "__main__":
    unittest.main()
