#!/usr/bin/env python3
"""What detach_echo's flags do; and what it says about those that it cannot follow: one line, exit code 2."""

import socket
import ssl
import subprocess
import unittest

from echo_server import DETACH_ECHO, certificates, echo_server


class DetachEchoFlagsTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.pki = cls.enterClassContext(certificates())

    def refused(self, **changes):
        flags = {"cert": self.pki / "server.crt", "key": self.pki / "server.key", **changes}
        arguments = [f"--{name.replace('_', '-')}={value}" for name, value in flags.items()]
        ended = subprocess.run([DETACH_ECHO, *arguments], capture_output=True, text=True,
                               timeout=60)
        self.assertEqual((ended.returncode, ended.stdout), (2, ""))
        return ended.stderr

    def test_names_a_missing_file(self):
        self.assertEqual(self.refused(cert="/none.pem"),
                         "detach_echo: /none.pem: cannot be opened\n")

    def test_names_what_a_file_lacks(self):
        path = self.pki / "server-ca.pem"
        self.assertEqual(self.refused(key=path),
                         f'detach_echo: {path}: no PEM object "PRIVATE KEY"\n')

    def test_names_an_address_that_is_none(self):
        self.assertEqual(self.refused(listen="here"),
                         'detach_echo: "here" is not host:port\n')

    def test_says_which_backends_there_are(self):
        self.assertRegex(self.refused(backend="gnutls"), "--backend: gnutls not in {[a-z,]+}")

    def test_refuses_an_unknown_version(self):
        self.assertIn("1.4", self.refused(tls_max="1.4"))

    def connect(self, port, context):
        connection = socket.create_connection(("127.0.0.1", port), timeout=60)
        self.addCleanup(connection.close)
        return context.wrap_socket(connection, server_hostname="localhost")

    def test_tls_max_limits_the_version(self):
        with echo_server(self.pki, "--tls-max", "1.2") as port:
            context = ssl.create_default_context(cafile=self.pki / "server-ca.pem")
            with self.connect(port, context) as tls:
                self.assertEqual(tls.version(), "TLSv1.2")

    def test_ca_asks_for_a_client_certificate(self):
        with echo_server(self.pki, "--ca", self.pki / "client-ca.pem") as port:
            context = ssl.create_default_context(cafile=self.pki / "server-ca.pem")
            context.maximum_version = ssl.TLSVersion.TLSv1_2
            with self.assertRaises(ssl.SSLError):
                self.connect(port, context)
            context.load_cert_chain(self.pki / "client.pem")
            with self.connect(port, context) as tls:
                tls.sendall(b"hello\n")
                self.assertEqual(tls.recv(1), b"h")


if __name__ == "__main__":
    unittest.main()
