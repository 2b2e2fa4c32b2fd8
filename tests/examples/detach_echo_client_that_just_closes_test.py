#!/usr/bin/env python3
"""A client that sends close_notify unasked, as every client does that has had enough, gets the server's and the end.

Without this the server would wait for raw bytes that nobody has announced.
"""

import socket
import ssl
import unittest

from echo_server import certificates, echo_server


class DetachEchoClientThatJustClosesTest(unittest.TestCase):
    def test_gets_close_notify_and_the_end(self):
        pki = self.enterContext(certificates())
        port = self.enterContext(echo_server(pki))
        for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
            with self.subTest(version.name):
                context = ssl.create_default_context(cafile=pki / "server-ca.pem")
                context.minimum_version = context.maximum_version = version
                with socket.create_connection(("127.0.0.1", port), timeout=60) as connection:
                    raw = context.wrap_socket(connection, server_hostname="localhost").unwrap()
                    with raw:
                        self.assertEqual(raw.recv(1), b"")


if __name__ == "__main__":
    unittest.main()
