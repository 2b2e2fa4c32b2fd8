#!/usr/bin/env python3
"""A transfer that was cut is reported as that, and leaves what was there before.

Without this a FIN that anybody sends passes for the end of a file.
"""

import socket
import ssl
import unittest

from ftp_case import VERSIONS, FtpCase, say
from processes import PATIENCE


class FtpServerReportsWhatArrivedTest(FtpCase):
    def log_in_for(self, version, protection):
        """A server with a file, and a client that has logged in and chosen how to send."""
        server = self.server()
        (server.folder / "report").write_bytes(b"as it was")
        tls = self.enter_tls(self.connect(server.port), version)
        self.log_in(tls)
        for command in (b"PBSZ 0", b"PROT " + protection, b"TYPE I"):
            self.assertEqual(say(tls, command)[:3], b"200")
        return server, tls

    def data_connection(self, tls):
        port = int(say(tls, b"EPSV").split(b"|")[3])
        return self.enterContext(socket.create_connection(("127.0.0.1", port), PATIENCE))

    def protect(self, raw, version):
        return self.enterContext(self.context(version).wrap_socket(
            raw, server_hostname="localhost", suppress_ragged_eofs=False))

    def store(self, version, end):
        """Stores a file whose end is made by `end`, of the TLS socket. Returns the reply and the server."""
        server, tls = self.log_in_for(version, b"P")
        raw = self.data_connection(tls)
        self.assertEqual(say(tls, b"STOR report")[:3], b"150")
        connection = self.protect(raw, version)
        connection.sendall(b"new")
        end(connection)
        return tls.read(3), server

    def test_an_upload_that_ends_without_close_notify_is_none(self):
        for version in VERSIONS:
            with self.subTest(version.name):
                self.setUp()
                reply, server = self.store(version, lambda connection: connection.shutdown(socket.SHUT_WR))
                self.assertEqual(reply, b"426")
                self.assertEqual((server.folder / "report").read_bytes(), b"as it was")
                self.assertEqual([path.name for path in server.folder.iterdir()], ["report"])

    def test_an_upload_that_ends_with_close_notify_is_one(self):
        """The positive control."""
        reply, server = self.store(VERSIONS[1], ssl.SSLSocket.unwrap)
        self.assertEqual(reply, b"226")
        self.assertEqual((server.folder / "report").read_bytes(), b"new")

    def test_a_download_under_tls_ends_with_close_notify(self):
        for version in VERSIONS:
            with self.subTest(version.name):
                self.setUp()
                _, tls = self.log_in_for(version, b"P")
                raw = self.data_connection(tls)
                self.assertEqual(say(tls, b"RETR report")[:3], b"150")
                connection = self.protect(raw, version)
                self.assertEqual(connection.recv(100), b"as it was")
                self.assertEqual(connection.recv(100), b"")

    def test_protection_is_not_changed_in_clear(self):
        _, tls = self.log_in_for(VERSIONS[1], b"P")
        self.assertEqual(say(tls, b"CCC")[:3], b"200")
        tls.socket.sendall(tls.close_notify())
        self.assertEqual(tls.read(1), b"")
        self.assertEqual(say(tls.socket, b"PROT C")[:3], b"503")

    def test_a_line_without_end_ends_the_session(self):
        server = self.server()
        self.connect(server.port).sendall(b"A" * 2000)
        server.await_ended("the peer sent a line without end")


if __name__ == "__main__":
    unittest.main()
