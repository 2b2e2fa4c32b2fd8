"""What tests of the FTP server begin with."""

import contextlib
import pathlib
import socket
import ssl
import tempfile
import unittest

from ftp_programs import PASSWORD, USER, FtpServer
from inner_tls import TlsEnd
from pki import certificates
from processes import PATIENCE

VERSIONS = (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3)


class FtpCase(unittest.TestCase):
    """`pki`, an empty `directory`, and clients whose every byte the test writes itself."""

    def setUp(self):
        self.pki = self.enterContext(certificates())
        self.directory = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory()))

    def server(self, *flags):
        return self.enterContext(FtpServer(self.pki, self.directory, *flags))

    def context(self, version=ssl.TLSVersion.TLSv1_3):
        context = ssl.create_default_context(cafile=self.pki / "server-ca.pem")
        context.minimum_version = context.maximum_version = version
        return context

    def connect(self, port):
        """A raw control connection, behind the greeting."""
        control = self.enterContext(socket.create_connection(("127.0.0.1", port), PATIENCE))
        self.assertEqual(read_line(control)[:3], b"220")
        return control

    def enter_tls(self, control, version=ssl.TLSVersion.TLSv1_3):
        """AUTH TLS; what comes back is a TlsEnd, with `say` for commands."""
        self.assertEqual(say(control, b"AUTH TLS")[:3], b"234")
        return self.shake_hands(control, version)

    def shake_hands(self, control, version=ssl.TLSVersion.TLSv1_3):
        tls = TlsEnd(control, self.context(version), server_name="localhost")
        tls.handshake()
        return tls

    def log_in(self, tls):
        self.assertEqual(say(tls, f"USER {USER}".encode())[:3], b"331")
        self.assertEqual(say(tls, f"PASS {PASSWORD}".encode())[:3], b"230")


def say(end, command):
    """Sends a command, raw or under TLS. Returns the line that comes back."""
    if isinstance(end, TlsEnd):
        end.write(command + b"\r\n")
        line = b""
        while not line.endswith(b"\n"):
            byte = end.read(1)
            if not byte:
                break
            line += byte
        return line
    end.sendall(command + b"\r\n")
    return read_line(end)


def read_line(end):
    """A raw line, and nothing behind it."""
    line = b""
    with contextlib.suppress(ConnectionResetError):
        while not line.endswith(b"\n"):
            byte = end.recv(1)
            if not byte:
                break
            line += byte
    return line
