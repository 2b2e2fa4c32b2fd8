#!/usr/bin/env python3
"""What stands in clear behind AUTH TLS is TLS input, never a command (CVE-2011-0411).

Without this somebody on the path puts commands into a client's session.
"""

import socket
import ssl
import unittest

from ftp_case import FtpCase, read_line, say


class FtpServerTakesNoSmuggledCommandIntoTlsTest(FtpCase):
    def check(self, control, smuggled):
        self.assertEqual(say(control, b"AUTH TLS\r\n" + smuggled)[:3], b"234")
        with self.assertRaises((ssl.SSLError, ConnectionError)):
            self.shake_hands(control)

    def test_on_a_new_connection(self):
        server = self.server()
        self.check(self.connect(server.port), b"NOOP")
        server.await_ended("TLS: wrong version number")

    def test_when_tls_is_entered_again(self):
        server = self.server()
        tls = self.enter_tls(self.connect(server.port))
        self.log_in(tls)
        self.assertEqual(say(tls, b"CCC")[:3], b"200")
        tls.socket.sendall(tls.close_notify())
        self.assertEqual(tls.read(1), b"")
        self.check(tls.socket, b"DELE important")
        server.await_ended("TLS: wrong version number", left_tls=1)

    def test_the_client_hello_itself_may_stand_there(self):
        """The positive control."""
        control = self.connect(self.server().port)
        control.sendall(b"AUTH TLS\r\n")
        self.shake_hands_around(control)

    def shake_hands_around(self, control):
        """The ClientHello leaves before the server's 234 has been read."""
        received, sent = ssl.MemoryBIO(), ssl.MemoryBIO()
        tls = self.context().wrap_bio(received, sent, server_hostname="localhost")
        with self.assertRaises(ssl.SSLWantReadError):
            tls.do_handshake()
        control.sendall(sent.read())
        control.shutdown(socket.SHUT_WR)  # whoever has not taken it waits for no more
        self.assertEqual(read_line(control)[:3], b"234")
        self.assertEqual(control.recv(1), b"\x16")


if __name__ == "__main__":
    unittest.main()
