#!/usr/bin/env python3
"""stunnel, HAProxy and Java's SSLServerSocket do TLS for examples/loopback_echo, and our client leaves it.

Without this the loopback pair would have left nothing but the stacks that this library knows anyway. What each of
them does where it is not left as it should be stands in docs/INTEROP.md.
"""

import contextlib
import hashlib
import pathlib
import socket
import ssl
import tempfile
import unittest

import interop_table
from black_boxes import BLACK_BOXES, free_port
from conversation import OURS, THEIRS, THEIRS_AT_ONCE, Cell, verdict
from inner_tls import TlsEnd
from pki import certificates
from processes import PATIENCE, Program
from stack_program import StackProgram
from tcp_relay import reset

_ECHO = "examples/loopback_echo"
_CLIENT = "tests/interop/stacks/detachable_socket"
_VERSIONS = {"1.2": ssl.TLSVersion.TLSv1_2, "1.3": ssl.TLSVersion.TLSv1_3}
_FIRST = {OURS: "the black box", THEIRS: "the client", THEIRS_AT_ONCE: "the client, raw at once"}
_FORGED = b"\x17\x03\x03\x00\x13" + bytes(19)  # as long as close_notify is in TLS 1.3


class Echo(Program):
    """A running loopback_echo, whose TLS server is to listen on `port`."""

    def __init__(self, port):
        self.tls_port = port
        super().__init__([_ECHO, "--tls-server", port])

    def _port(self, said):
        return self.find(lambda line: int(line.rpartition(":")[2]) if line.startswith(said) else None)

    @property
    def port(self):
        return self._port("listening on ")

    @property
    def clear_port(self):
        return self._port("clear side on ")

    def ending(self, number):
        """How connection `number` ended: how often it left TLS, and why it was over."""
        start = f"connection {number}: left TLS "
        said = self.find(lambda line: line.removeprefix(start) if line.startswith(start) else None)
        times, _, why = said.partition(" times, ended: ")
        return int(times), why


class BlackBoxBehindTheLoopbackPairTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.pki = cls.enterClassContext(certificates())

    def begin(self, box):
        """Starts `box` and the echo server that leaves its TLS to it."""
        directory = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory()))
        echo = self.enterContext(Echo(free_port()))
        program = self.enterContext(BLACK_BOXES[box](directory, self.pki, echo.tls_port, echo.clear_port))
        self.addCleanup(lambda: print(f"--- {box}", *program.lines, "--- echo", *echo.lines, sep="\n"))
        return echo

    @contextlib.contextmanager
    def client(self, echo, version="1.3"):
        """A client whose TCP socket is ours too, behind the handshake."""
        context = ssl.create_default_context(cafile=self.pki / "server-ca.pem")
        context.minimum_version = context.maximum_version = _VERSIONS[version]
        with socket.create_connection(("127.0.0.1", echo.port), PATIENCE) as connection:
            end = TlsEnd(connection, context, server_name="localhost")
            end.handshake()
            yield end

    def agree(self, end):
        """Up to where our close_notify is due."""
        end.write(b"DETACH AFTER ME\n")
        self.assertEqual(end.read(3), b"GO\n")

    def instead_of_close_notify(self, echo, number, version, do):
        """Does `do` where close_notify is due; returns what the echo server made of it."""
        with self.client(echo, version) as end:
            self.agree(end)
            do(end.socket)
            times, why = echo.ending(number)
        return "no: it passes for a detach" if times else f"exact: {why}"

    def test_is_left_exactly_as_the_document_says(self):
        verdicts = {}
        for box in BLACK_BOXES:
            echo = self.begin(box)
            with StackProgram(_CLIENT, "openssl", self.pki) as client:
                for version in _VERSIONS:
                    for first in (OURS, THEIRS, *([THEIRS_AT_ONCE] if version == "1.3" else [])):
                        cell = Cell("client", version, first)
                        verdicts[box, version, _FIRST[first]] = verdict(cell, client, echo.port, None)
        versions = ", ".join(box.version() for box in BLACK_BOXES.values())
        interop_table.check("loopback", versions, ("black box", "TLS", "closes first"), verdicts)

    def test_takes_a_forgery_or_an_end_for_a_detach_where_the_document_says_so(self):
        attacks = {
            "a forged record": lambda end: end.sendall(_FORGED + b"raw, says somebody\n"),
            "a FIN": lambda end: end.shutdown(socket.SHUT_WR),
            "an RST": reset,
        }
        verdicts = {}
        for box in BLACK_BOXES:
            echo = self.begin(box)
            number = 0
            for version in _VERSIONS:
                for attack, do in attacks.items():
                    number += 1
                    verdicts[box, version, attack] = self.instead_of_close_notify(echo, number, version, do)
        versions = ", ".join(box.version() for box in BLACK_BOXES.values())
        interop_table.check("loopback-forgeries", versions, ("black box", "TLS", "instead of close_notify"), verdicts)

    def test_passes_many_bytes_before_and_behind_the_detach(self):
        line = bytes(97 + i * i % 26 for i in range(16383)) + b"\n"
        wanted = hashlib.sha256(line * 30).digest()
        for box in BLACK_BOXES:
            with self.subTest(box), self.client(self.begin(box)) as end:
                under_tls, raw = hashlib.sha256(), hashlib.sha256()
                for _ in range(30):
                    end.write(line)
                    under_tls.update(end.read(len(line)))
                self.agree(end)
                end.socket.sendall(end.close_notify() + line)  # one segment, or as few as there can be
                answer = end.socket.makefile("rb")
                header = answer.read(5)
                answer.read(header[4])  # the black box's close_notify; short, whatever it is padded with
                self.assertEqual((header[0], answer.readline()), (23, b"READY\n"))
                for _ in range(29):
                    raw.update(answer.readline())
                    end.socket.sendall(line)
                raw.update(answer.readline())
                self.assertEqual((under_tls.digest(), raw.digest()), (wanted, wanted))

    def test_nobody_passes_for_the_tls_server(self):
        echo = self.begin("stunnel")
        with socket.create_connection(("127.0.0.1", echo.clear_port), PATIENCE) as stranger:
            stranger.sendall(b"PROXY TCP4 127.0.0.1 127.0.0.1 1 2\r\nQUIT\n")
            with self.client(echo) as end:
                end.write(b"still there\n")
                self.assertEqual(end.read(12), b"still there\n")
            with contextlib.suppress(ConnectionResetError):  # it said more than was read
                self.assertEqual(stranger.recv(1), b"")
        echo.find(lambda line: "not of the TLS server" in line or None)


if __name__ == "__main__":
    unittest.main()
